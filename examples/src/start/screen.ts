import type { WriteStream } from 'node:tty';

/** Lines, and below them a table that is drawn anew in its place; where no terminal is, it is appended. */
export class Screen {
  readonly #out: NodeJS.WriteStream | WriteStream;
  #table: readonly string[] = [];

  constructor(out: NodeJS.WriteStream | WriteStream = process.stdout) {
    this.#out = out;
  }

  say(line: string): void {
    this.#erase();
    this.#write([line]);
    if (this.#out.isTTY) this.#write(this.#table);
  }

  show(table: readonly string[]): void {
    this.#erase();
    this.#table = table;
    this.#write(table);
  }

  /** What is shown stays; the next table comes below it. */
  keep(): void {
    this.#table = [];
  }

  #erase(): void {
    if (this.#out.isTTY && this.#table.length > 0) this.#out.write(`\x1b[${this.#table.length}A\x1b[J`);
  }

  #write(lines: readonly string[]): void {
    for (const line of lines) this.#out.write(`${line}\n`);
  }
}
