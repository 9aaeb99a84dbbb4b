import { writeFileSync } from 'node:fs';
import type { Figure } from './experiment.js';

const number = (value: number | null): string => {
  if (value === null) return '-';
  return value === 0
    ? '0'
    : value.toFixed(Math.min(Math.max(2 - Math.floor(Math.log10(Math.abs(value))), 0), 4));
};

const HEAD = ['figure', 'ours', 'unit', 'peer', 'peer has', 'ratio', 'cores'];
const NUMERIC = new Set([1, 4, 5]);

function row(figure: Figure): string[] {
  const { name, value, unit, peer, peerValue, ratio, state } = figure;
  return [
    name,
    number(value),
    unit,
    peer ?? '-',
    number(peerValue),
    ratio === null ? '-' : ratio.toFixed(2),
    state,
  ];
}

/** The figures in columns: words to the left, numbers to the right. */
export function table(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (NUMERIC.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

export const writeJson = (path: string, figures: readonly Figure[]): void =>
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
