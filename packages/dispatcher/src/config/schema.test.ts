import test from 'ava';
import * as z from 'zod';
import { configSchema } from './schema.js';

type Node = z.core.JSONSchema.BaseSchema;

/** Paths of all fields, however deep, that carry no description. */
function undescribed(node: Node, path = ''): string[] {
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? []), node.items].flatMap((schema) =>
    typeof schema === 'object' ? undescribed(schema as Node, path) : [],
  );
  const fields = Object.entries(node.properties ?? {}).flatMap(([name, schema]) => {
    const field = schema as Node;
    const here = path === '' ? name : `${path}.${name}`;
    return [...(field.description ? [] : [here]), ...undescribed(field, here)];
  });
  return [...inner, ...fields];
}

test('every field says what it means', (t) => {
  t.deepEqual(undescribed(z.toJSONSchema(configSchema, { io: 'input' })), []);
});

test('a field without a description is found, however deep', (t) => {
  const nested = z.object({
    a: z.array(z.union([z.literal(1), z.object({ b: z.int() })])).describe('a'),
    c: z.int().optional(),
  });
  t.deepEqual(undescribed(z.toJSONSchema(nested)), ['a.b', 'c']);
});
