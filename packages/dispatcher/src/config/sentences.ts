import type { core } from 'zod';

/** What the types of a schema are called in a configuration file. */
const TYPES: Record<string, string> = {
  array: 'a list',
  object: 'a mapping (field: value)',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
};

/** What is wrong with a value, for who wrote it; undefined where the schema's own words, or its library's, say it. */
export function inSentence(issue: core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const type = TYPES[issue.expected] ?? issue.expected;
      return issue.input === undefined ? `is missing; it must be ${type}` : `must be ${type}`;
    }
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bounded('at least', issue.minimum, issue.origin);
    case 'too_big':
      return bounded('at most', issue.maximum, issue.origin);
    default:
      return undefined;
  }
}

function bounded(bound: string, limit: number | bigint, origin: string): string {
  if (origin === 'array') return `must have ${bound} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  if (origin === 'string') return `must have ${bound} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
  return `must be ${bound} ${limit}`;
}
