import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { guestImage, packCommand } from './image.js';
import { installedQemu, type Qemu } from './qemu.js';

export interface GuestOptions {
  /** Shell command; it runs in /nicshare, where this project is. */
  readonly command: string;
  /** QEMU's arguments for network devices. */
  readonly devices?: readonly string[];
  /** Gives the guest an IOMMU (Intel's, with interrupt remapping), as VFIO needs. */
  readonly iommu?: boolean;
  readonly qemu?: Qemu;
  readonly processors?: number;
  readonly memoryMiB?: number;
  /** The guest is ended after so long. */
  readonly timeoutMs?: number;
  /** Takes each line of the command's output as it comes. */
  readonly onLine?: (line: string) => void;
  /** Takes what writes a line to the command's standard input; a terminal, which shows it unless `stty -echo` was said. */
  readonly onStart?: (tell: (line: string) => void) => void;
}

export interface GuestResult {
  /** Of the command; undefined where the guest ended before it did. */
  readonly status: number | undefined;
  /** What the command printed, on both channels. */
  readonly output: string;
}

/** Boots a guest, runs one command in it, and returns what came of it. Throws LabUnavailable. */
export async function runInGuest(options: GuestOptions): Promise<GuestResult> {
  const qemu = options.qemu ?? installedQemu();
  const image = guestImage();
  const folder = mkdtempSync(join(tmpdir(), 'nicshare-lab-run-'));
  try {
    const parts = [...image.initrds, packCommand(options.command, folder)];
    const initrd = join(folder, 'initrd');
    writeFileSync(initrd, Buffer.concat(parts.map((part) => readFileSync(part))));
    const statusFile = join(folder, 'status');
    const output = await boot(
      qemu,
      [
        ...machine(options),
        ...serial(statusFile),
        '-kernel',
        image.kernel,
        '-initrd',
        initrd,
        '-append',
        kernelArguments(options),
      ],
      options,
    );
    return { status: readStatus(statusFile), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function machine({ processors = 2, memoryMiB = 1024, iommu = false, devices = [] }: GuestOptions): string[] {
  const translation = iommu ? ['-device', 'intel-iommu,intremap=on,caching-mode=on'] : [];
  const base = ['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-no-reboot'];
  const size = [
    '-accel',
    'tcg,thread=multi',
    '-cpu',
    'max',
    '-smp',
    String(processors),
    '-m',
    String(memoryMiB),
  ];
  return [
    ...base,
    '-machine',
    iommu ? 'q35,kernel-irqchip=split' : 'q35',
    ...size,
    ...translation,
    ...devices,
  ];
}

const serial = (statusFile: string): string[] => [
  '-serial',
  'stdio',
  '-chardev',
  `file,id=status,path=${statusFile}`,
  '-device',
  'isa-serial,chardev=status',
];

const kernelArguments = ({ iommu = false }: GuestOptions): string =>
  `console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable no_timer_check random.trust_cpu=on${iommu ? ' intel_iommu=on iommu=nopt' : ''}`;

function boot(
  qemu: Qemu,
  args: readonly string[],
  { timeoutMs = 300_000, onLine, onStart }: GuestOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(qemu.program, [...qemu.args, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...qemu.environment },
    });
    // It ends with its guest, told or not.
    child.stdin.on('error', () => {});
    onStart?.((line) => child.stdin.write(`${line}\n`));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const lines = new CommandLines(onLine);
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (lines.begun) resolve(lines.text);
      else
        reject(
          new Error(
            `the guest did not start (status ${code}): ${complaints.trim()} ${lines.boot.slice(-2000)}`,
          ),
        );
    });
  });
}

/** The lines of the console between the two marks of the guest's init. */
class CommandLines {
  text = '';
  boot = '';
  begun = false;
  readonly #onLine: ((line: string) => void) | undefined;
  #ended = false;
  #rest = '';

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  push(chunk: string): void {
    const lines = stripVTControlCharacters(this.#rest + chunk)
      .replaceAll('\r', '')
      .split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (line === 'LAB:end') this.#ended = true;
    if (this.begun && !this.#ended) {
      this.text += `${line}\n`;
      this.#onLine?.(line);
    } else {
      this.boot += `${line}\n`;
    }
    if (line.endsWith('LAB:begin')) this.begun = true;
  }
}

function readStatus(file: string): number | undefined {
  const text = readFileSync(file, 'utf8').trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
