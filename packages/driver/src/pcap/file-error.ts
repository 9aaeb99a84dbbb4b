import { NicshareError } from '@nicshare/shm';

const code = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Why a file could not be opened, as a NicshareError: FileNotFound, NotPermitted or InvalidArgument. */
export function fileError(path: string, use: 'read' | 'written', cause: unknown): NicshareError {
  switch (code(cause)) {
    case 'ENOENT':
      return new NicshareError(
        'FileNotFound',
        use === 'read' ? `There is no file ${path}.` : `There is no directory for the file ${path}.`,
        'Mend the path; a relative one begins at the working directory of this process.',
        { cause },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new NicshareError(
        'NotPermitted',
        `The file ${path} may not be ${use} by the user of this process.`,
        'Change its mode or owner, or name another file.',
        { cause },
      );
    default:
      return new NicshareError(
        'InvalidArgument',
        `The file ${path} cannot be ${use} (${(cause as Error).message}).`,
        'Name another file.',
        { cause },
      );
  }
}
