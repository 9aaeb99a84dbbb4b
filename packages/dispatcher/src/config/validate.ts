import { isNicshareError, NicshareError } from '@nicshare/shm';
import { type LineCounter, parseDocument, LineCounter as YamlLines } from 'yaml';
import type { ZodError } from 'zod';
import { groupId, userId } from './accounts.js';
import { configSchema, type DispatcherConfig, type DispatcherOptions, type QueueConfig } from './schema.js';
import { inSentence } from './sentences.js';

const MAX_BYTES = 1 << 20;

type Issue = ZodError['issues'][number];
type Path = readonly PropertyKey[];
/** Says where a path of the configuration stands, as 'line 7', or in words. */
type Locate = (path: Path) => string;

const invalid = (lines: readonly string[]): NicshareError =>
  new NicshareError(
    'ConfigInvalid',
    `The configuration is not valid:\n${lines.join('\n')}\n `,
    'Mend what is named here.',
  );

const inWords: Locate = (path) => path.map(String).join('.') || 'the configuration';

/** The deepest problem of an issue: unions report their branches' problems. */
function explain(issue: Issue): { path: Path; message: string } {
  if (issue.code === 'unrecognized_keys') {
    const message = `unknown field ${issue.keys.map((key) => `'${key}'`).join(', ')}; remove it or mend its name`;
    return { path: [...issue.path, issue.keys[0]!], message };
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branches = issue.errors.filter((errors) => errors.length > 0);
    const deepest = branches
      .flat()
      .find(
        (inner) => inner.path.length > 0 || inner.code === 'custom' || inner.code === 'unrecognized_keys',
      );
    if (deepest) {
      const { path, message } = explain(deepest as Issue);
      return { path: [...issue.path, ...path], message };
    }
  }
  return { path: issue.path, message: issue.message };
}

function duplicates(config: DispatcherConfig, locate: Locate): string[] {
  const seen = new Set<string>();
  const lines: string[] = [];
  config.queues.forEach(({ name }, index) => {
    if (seen.has(name))
      lines.push(
        `  ${locate(['queues', index, 'name'])}: a queue named '${name}' exists already; choose another name`,
      );
    seen.add(name);
  });
  return lines;
}

/** A device that would wait for ever. */
function startsNever({ device, queues }: DispatcherConfig, locate: Locate): string[] {
  if (device.driver !== 'pcap' || typeof device.start === 'string' || device.start <= queues.length)
    return [];
  return [
    `  ${locate(['device', 'start'])}: device.start waits for clients of ${device.start} queues, but there are ${queues.length}; write at most ${queues.length}, or \`attached\` for all`,
  ];
}

/** A credit says nothing in another mode. */
function misplacedCredits({ queues }: DispatcherConfig, locate: Locate): string[] {
  return queues.flatMap(({ mode, credit }, index) =>
    mode === 'shared' || credit === undefined
      ? []
      : [
          `  ${locate(['queues', index, 'credit'])}: credit is for mode: shared; set that, or remove it (memory.frames is what a client of mode ${mode} may hold)`,
        ],
  );
}

/** Users and groups that this machine does not know. */
function unknownAccounts({ socket, queues, capture }: DispatcherConfig, locate: Locate): string[] {
  const lines: string[] = [];
  const lookUp = (path: Path, find: () => number): void => {
    try {
      find();
    } catch (error) {
      if (!isNicshareError(error, 'ConfigInvalid')) throw error;
      lines.push(`  ${locate(path)}: ${error.message}`);
    }
  };
  const { group } = socket;
  if (group !== undefined) lookUp(['socket', 'group'], () => groupId(group));
  const lookUpAll = (path: Path, allow: QueueConfig['allow']): void => {
    allow?.users.forEach((user, i) => {
      lookUp([...path, 'allow', 'users', i], () => userId(user));
    });
    allow?.groups.forEach((member, i) => {
      lookUp([...path, 'allow', 'groups', i], () => groupId(member));
    });
  };
  queues.forEach(({ allow }, queue) => {
    lookUpAll(['queues', queue], allow);
  });
  lookUpAll(['capture'], capture?.allow);
  return lines;
}

/** Settings of an interface that is not to be made, or cannot be so. */
function misplacedTap({ device, unmatched, tap }: DispatcherConfig, locate: Locate): string[] {
  if (tap === undefined) return [];
  if (unmatched !== 'tap')
    return [
      `  ${locate(['tap'])}: tap: is of no use with \`unmatched: ${unmatched}\`; write \`unmatched: tap\`, or remove it`,
    ];
  if (tap.addresses !== 'device' || device.driver === 'af_xdp') return [];
  return [
    `  ${locate(['tap', 'addresses'])}: tap.addresses: the ${device.driver} device has none; write a list of addresses`,
  ];
}

function validate(value: unknown, locate: Locate): DispatcherConfig {
  const result = configSchema.safeParse(value, { error: inSentence });
  if (!result.success) {
    throw invalid(
      result.error.issues.map((issue) => {
        const { path, message } = explain(issue);
        return `  ${locate(path)}: ${path.length > 0 ? `${inWords(path)}: ` : ''}${message}`;
      }),
    );
  }
  const checks = [duplicates, misplacedCredits, startsNever, unknownAccounts, misplacedTap];
  const problems = checks.flatMap((find) => find(result.data, locate));
  if (problems.length > 0) throw invalid(problems);
  return result.data;
}

/** Checks options and fills in the defaults. Throws NicshareError ConfigInvalid. */
export const validateOptions = (options: DispatcherOptions): DispatcherConfig => validate(options, inWords);

/** Reads a configuration in YAML or JSON (which is YAML). Throws NicshareError ConfigInvalid, naming lines. */
export function parseConfig(text: string, source: string): DispatcherConfig {
  if (text.length > MAX_BYTES)
    throw invalid([`  ${source} is longer than ${MAX_BYTES} bytes; split the queues up`]);
  const lines: LineCounter = new YamlLines();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineOf = (offset: number): string => `${source}, line ${lines.linePos(offset).line}`;
  if (document.errors.length > 0)
    throw invalid(document.errors.map((error) => `  ${lineOf(error.pos[0])}: ${error.message}`));
  const locate: Locate = (path) => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return lineOf(node.range[0]);
    }
    return `${source}, line 1`;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid([`  ${source}: ${(error as Error).message}`]);
  }
  return validate(value, locate);
}
