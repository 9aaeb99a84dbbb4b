/** The part of a terminal's output that is used. */
export interface Terminal {
  write(text: string): unknown;
  readonly columns: number;
  readonly rows: number;
}

// Control sequences of xterm.
const ALTERNATE_ON = '\x1b[?1049h\x1b[?25l';
const ALTERNATE_OFF = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const ERASE_TO_LINE_END = '\x1b[K';
const ERASE_BELOW = '\x1b[J';

/** A terminal's alternate screen, drawn over in place; what stood on the terminal before comes back with `close`. */
export class Screen {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write(ALTERNATE_ON);
  }

  /** Shows as many lines as there is room for, cut at the right edge. */
  draw(lines: readonly string[]): void {
    const { columns, rows } = this.#terminal;
    const shown = lines.slice(0, rows).map((line) => `${line.slice(0, columns)}${ERASE_TO_LINE_END}`);
    this.#terminal.write(`${HOME}${shown.join('\r\n')}${ERASE_BELOW}`);
  }

  close(): void {
    this.#terminal.write(ALTERNATE_OFF);
  }
}
