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

/** Two tables that cover the same space as one: where the upper has no value, the lower one's holds. */
function lay<T>(upper: readonly Range<T>[], lower: readonly Range<T>[]): Range<T>[] {
  const ranges: Range<T>[] = [];
  let [above, below] = [0, 0];
  for (let start = upper[0]!.start; ; ) {
    const value = upper[above]!.value ?? lower[below]!.value;
    if (ranges.length === 0 || ranges[ranges.length - 1]!.value !== value) ranges.push({ start, value });
    const nextAbove = upper[above + 1]?.start;
    const nextBelow = lower[below + 1]?.start;
    if (nextAbove === undefined && nextBelow === undefined) return ranges;
    const isAbove = nextBelow === undefined || (nextAbove !== undefined && nextAbove <= nextBelow);
    start = isAbove ? nextAbove! : nextBelow!;
    if (nextAbove === start) above++;
    if (nextBelow === start) below++;
  }
}

/** Lays tables over one another, the first on top. All cover the same space; neighbours of one value are joined. */
export const overlay = <T>(tables: readonly (readonly Range<T>[])[]): Range<T>[] =>
  tables.reduceRight<Range<T>[]>(
    (lower, upper) => lay(upper, lower),
    [{ start: tables[0]![0]!.start, value: undefined }],
  );
