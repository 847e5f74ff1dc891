// What an app may be called. Apart from the reader of apps, for whoever has a name and no policy file.

/** The name stands in paths, log lines and environment variables. */
export const APP_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
