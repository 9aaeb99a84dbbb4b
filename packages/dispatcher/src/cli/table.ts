/** '1 queue', '2 queues'. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Columns of text: the first `left` ones left-aligned, numbers right-aligned. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[], left = 2): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < left ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}

/** 0.254 as '25 %'. */
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
