/** The addresses from `start` to before the next range's start, and what is to be done with them. */
export interface Range<T> {
  readonly start: bigint;
  readonly value: T | undefined;
}

/** A prefix of a routing table; of two equal ones the first holds. */
export interface Prefix<T> {
  readonly first: bigint;
  readonly last: bigint;
  readonly value: T;
}

const byStartWiderFirst = <T>(a: Prefix<T>, b: Prefix<T>): number => {
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  if (a.last !== b.last) return a.last > b.last ? -1 : 1;
  return 0;
};

/** Cuts one table into ranges, each with the value of the longest prefix that holds there. */
export function cut<T>(prefixes: readonly Prefix<T>[], space: { first: bigint; last: bigint }): Range<T>[] {
  const ranges: Range<T>[] = [{ start: space.first, value: undefined }];
  const begin = (start: bigint, value: T | undefined): void => {
    if (start > space.last) return;
    if (ranges.at(-1)!.start === start) ranges.pop();
    ranges.push({ start, value });
  };
  // Prefixes are nested or apart, so those that hold at a place are a stack.
  const holding: Prefix<T>[] = [];
  const endBefore = (start: bigint): void => {
    for (let top = holding.at(-1); top && top.last < start; top = holding.at(-1)) {
      holding.pop();
      begin(top.last + 1n, holding.at(-1)?.value);
    }
  };
  for (const prefix of [...prefixes].sort(byStartWiderFirst)) {
    endBefore(prefix.first);
    const top = holding.at(-1);
    if (top?.first === prefix.first && top.last === prefix.last) continue;
    begin(prefix.first, prefix.value);
    holding.push(prefix);
  }
  endBefore(space.last + 1n);
  return ranges;
}

/** Joins neighbouring ranges of one value. */
function joined<T>(ranges: readonly Range<T>[]): Range<T>[] {
  return ranges.filter((range, i) => i === 0 || range.value !== ranges[i - 1]!.value);
}

/** Lays tables over one another: where the first has no value, the next one's holds. All cover the same space. */
export function overlay<T>(tables: readonly (readonly Range<T>[])[]): Range<T>[] {
  const at = tables.map(() => 0);
  const ranges: Range<T>[] = [];
  for (let start: bigint | undefined = tables[0]![0]!.start; start !== undefined; ) {
    const value = tables.map((table, i) => table[at[i]!]!.value).find((candidate) => candidate !== undefined);
    ranges.push({ start, value });
    let next: bigint | undefined;
    for (const [i, table] of tables.entries()) {
      const start = table[at[i]! + 1]?.start;
      if (start !== undefined && (next === undefined || start < next)) next = start;
    }
    for (const [i, table] of tables.entries())
      if (next !== undefined && table[at[i]! + 1]?.start === next) at[i]!++;
    start = next;
  }
  return joined(ranges);
}
