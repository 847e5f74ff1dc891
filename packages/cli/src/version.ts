// The version, as package.json has it; a test holds the two together. The bundle has no package.json beside it to read.
export const version = "0.1.0"
