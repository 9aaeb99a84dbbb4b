import { configSchema } from '@nicshare/dispatcher/config';
import * as z from 'zod';
import { anchor } from './anchor.js';
import { inYaml, type Schema, typeOf } from './field-type.js';

const INTRODUCTION = `<!-- Made by \`npm run docs\` of packages/dispatcher/src/config/schema.ts: change the descriptions there. -->

# Configuration

What \`nicshare dispatcher --config FILE\` reads, in YAML or JSON, and what \`createDispatcher\` of \`@nicshare/dispatcher\` takes as an object. Two fields are needed, all others have defaults:

\`\`\`yaml
device: { driver: af_xdp, interface: eth1 }
queues:
  - { name: dns, match: { protocol: udp, destinationPort: 53 }, allow: { users: [dns] } }
  - { name: rest, match: { protocol: udp }, priority: 1000 }
\`\`\`

A wrong configuration is refused with the line and the mend; \`nicshare dispatcher --config FILE --check\` only looks. How the headers of a packet are read for \`match\` is said in [rules.ts](../packages/driver/src/rules.ts).
`;

interface Section {
  readonly title: string;
  /** Of the mapping, as `queues[].match`. */
  readonly path: string;
  readonly meaning: string | undefined;
  readonly schema: Schema;
}

/** docs/configuration.md, of the schema alone: the same at every run. */
export function configurationPage(): string {
  return `${INTRODUCTION}\n${page(z.toJSONSchema(configSchema, { io: 'input' }) as Schema, '')}`;
}

/** A table of a mapping's fields, then a section for each of them that is a mapping itself. */
function page(schema: Schema, path: string): string {
  const sections = fields(schema).flatMap(([name, field]) => sectionsOf(field, join(path, name)));
  return [table(schema, path), ...sections.map(section)].join('\n');
}

const section = ({ title, path, meaning, schema }: Section): string =>
  `## ${title}\n\n${meaning}.\n\n${page(schema, path)}`;

/** What a field's value may be written as, where it is a mapping, or a list of them. */
function sectionsOf(field: Schema, name: string): Section[] {
  const isList = field.type === 'array';
  const element = isList ? (field.items as Schema) : field;
  const path = isList ? `${name}[]` : name;
  const branches = (element.anyOf ?? element.oneOf ?? [element]) as Schema[];
  const mappings = branches.filter(({ properties }) => properties !== undefined);
  if (mappings.length > 1) return mappings.map((schema) => choice(schema, path));
  return mappings.map((schema) => ({ title: path, path, meaning: field.description, schema }));
}

/** One of several mappings: its title is the field that tells it apart, the one with a single value to choose. */
function choice(schema: Schema, path: string): Section {
  const [name, field] = fields(schema).find(([, { const: only }]) => only !== undefined)!;
  const { [name]: _, ...properties } = schema.properties!;
  const title = `${path}, ${name}: ${inYaml(field.const)}`;
  return { title, path, meaning: field.description, schema: { ...schema, properties } };
}

const fields = ({ properties = {} }: Schema): [string, Schema][] =>
  Object.entries(properties).map(([name, field]) => [name, field as Schema]);

function table(schema: Schema, path: string): string {
  const rows = fields(schema).map(([name, field]) => {
    const links = sectionsOf(field, join(path, name)).map(({ title }) => `[${title}](#${anchor(title)})`);
    const type = links.length > 0 ? typeOf(field).replace('mapping', links.join(', ')) : typeOf(field);
    return [`\`${name}\``, type, fallback(field, schema.required?.includes(name)), field.description];
  });
  return [['field', 'type', 'default', 'meaning'], Array(4).fill('---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

function fallback(field: Schema, needed = false): string {
  if (needed) return 'needed';
  const isSection = JSON.stringify(field.default) === '{}';
  return field.default === undefined || isSection ? '' : `\`${inYaml(field.default)}\``;
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
