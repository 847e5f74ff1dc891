// Just enough of a JSON Schema validator (2020-12) for the schema of the policy file. A keyword that it does not know is
// an error, so that no part of the schema goes untested.

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }
type Schema = { readonly [keyword: string]: Json }

const isObject = (value: Json): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value)

const typeOf = (value: Json): string =>
  Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : isObject(value) ? "object" : typeof value

const same = (one: Json, other: Json): boolean => JSON.stringify(one) === JSON.stringify(other)

type Check = (argument: Json, value: Json, schema: Schema, root: Schema) => boolean

const list = (value: Json) => value as ReadonlyArray<Json>
const annotation: Check = () => true
const ofString = (check: (argument: Json, value: string) => boolean): Check => (argument, value) =>
  typeof value !== "string" || check(argument, value)
const ofNumber = (check: (argument: number, value: number) => boolean): Check => (argument, value) =>
  typeof value !== "number" || check(argument as number, value)
const ofArray =
  (check: (argument: Json, value: ReadonlyArray<Json>, root: Schema) => boolean): Check =>
  (argument, value, _schema, root) => !Array.isArray(value) || check(argument, value as ReadonlyArray<Json>, root)
const ofObject =
  (check: (argument: Json, value: Schema, schema: Schema, root: Schema) => boolean): Check =>
  (argument, value, schema, root) => !isObject(value) || check(argument, value, schema, root)

const checks: Record<string, Check> = {
  $schema: annotation,
  $defs: annotation,
  title: annotation,
  description: annotation,
  $ref: (argument, value, _schema, root) => {
    const name = /^#\/\$defs\/(\w+)$/.exec(argument as string)?.[1]
    const target = (root["$defs"] as Schema)[name ?? ""]
    if (target === undefined) throw new Error(`nothing at ${JSON.stringify(argument)}`)
    return accepts(target, value, root)
  },
  type: (argument, value) => typeOf(value) === argument,
  const: (argument, value) => same(argument, value),
  enum: (argument, value) => list(argument).some((one) => same(one, value)),
  anyOf: (argument, value, _schema, root) => list(argument).some((one) => accepts(one, value, root)),
  oneOf: (argument, value, _schema, root) => list(argument).filter((one) => accepts(one, value, root)).length === 1,
  allOf: (argument, value, _schema, root) => list(argument).every((one) => accepts(one, value, root)),
  not: (argument, value, _schema, root) => !accepts(argument, value, root),
  pattern: ofString((argument, value) => new RegExp(argument as string, "u").test(value)),
  minLength: ofString((argument, value) => value.length >= (argument as number)),
  maxLength: ofString((argument, value) => value.length <= (argument as number)),
  minimum: ofNumber((argument, value) => value >= argument),
  maximum: ofNumber((argument, value) => value <= argument),
  items: ofArray((argument, value, root) => value.every((one) => accepts(argument, one, root))),
  contains: ofArray((argument, value, root) => value.some((one) => accepts(argument, one, root))),
  minItems: ofArray((argument, value) => value.length >= (argument as number)),
  maxItems: ofArray((argument, value) => value.length <= (argument as number)),
  uniqueItems: ofArray((argument, value) =>
    argument !== true || new Set(value.map((one) => JSON.stringify(one))).size === value.length
  ),
  properties: ofObject((argument, value, _schema, root) =>
    Object.entries(argument as Schema).every(([key, inner]) =>
      !Object.hasOwn(value, key) || accepts(inner, value[key]!, root)
    )
  ),
  additionalProperties: ofObject((argument, value, schema, root) => {
    const known = (schema["properties"] ?? {}) as Schema
    return Object.entries(value).every(([key, inner]) => Object.hasOwn(known, key) || accepts(argument, inner, root))
  }),
  propertyNames: ofObject((argument, value, _schema, root) =>
    Object.keys(value).every((key) => accepts(argument, key, root))
  ),
  minProperties: ofObject((argument, value) => Object.keys(value).length >= (argument as number)),
  required: ofObject((argument, value) => list(argument).every((key) => Object.hasOwn(value, key as string))),
  dependentRequired: ofObject((argument, value) =>
    Object.entries(argument as Schema).every(([key, others]) =>
      !Object.hasOwn(value, key) || list(others).every((other) => Object.hasOwn(value, other as string))
    )
  )
}

/** Whether a schema accepts a value; throws if it has a keyword that is not known here. */
export const accepts = (schema: Json, value: Json, root: Schema = schema as Schema): boolean => {
  if (typeof schema === "boolean") return schema
  return Object.entries(schema as Schema).every(([keyword, argument]) => {
    const check = checks[keyword]
    if (check === undefined) throw new Error(`the keyword ${keyword} is not known`)
    return check(argument, value, schema as Schema, root)
  })
}
