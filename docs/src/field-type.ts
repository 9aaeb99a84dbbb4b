import type * as z from 'zod';

export type Schema = z.core.JSONSchema.BaseSchema;

/** What a field takes, in words of a configuration file. */
export const typeOf = (schema: Schema): string => inWords([...new Set(alternatives(schema))]);

/** A value as it is written in YAML: texts without quotes, where they are not taken for something else. */
export function inYaml(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return value === 'null' ? "'null'" : value;
}

const code = (value: unknown): string => `\`${inYaml(value)}\``;

function alternatives(schema: Schema): string[] {
  if (schema.form === 'bytes') return ['bytes', 'a number with `KiB`, `MiB` or `GiB`'];
  if (schema.form === 'a power of two') return [`power of two${range(schema)}`];
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return branches.flatMap((branch) => alternatives(branch as Schema));
  if (schema.const !== undefined) return [code(schema.const)];
  if (schema.enum) return schema.enum.map(code);
  switch (schema.type) {
    case 'boolean':
      return ['`true`', '`false`'];
    case 'string':
      return ['text'];
    case 'integer':
      return [`whole number${range(schema)}`];
    case 'number':
      return [`number${range(schema)}`];
    case 'array':
      return [`list: ${schema.items ? typeOf(schema.items as Schema) : 'values'}`];
    default:
      return ['mapping'];
  }
}

function range({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const last = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const first = minimum ?? exclusiveMinimum;
  if (first === undefined) return last === undefined ? '' : ` up to ${last}`;
  const start = minimum === undefined ? ` above ${first}` : ` from ${first}`;
  if (last !== undefined) return `${start} to ${last}`;
  return minimum === undefined ? start : `${start} on`;
}

const inWords = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`;
