import test from 'ava';
import { Assembler } from './assembler.js';

const hex = (program: Assembler): string[] => program.assemble().toString('hex').match(/.{16}/g) ?? [];

// Encoding by RFC 9669, section 3.1: code, source and target register, offset, immediate.
test('arithmetic takes a register or an immediate', (t) => {
  const program = new Assembler()
    .move('r0', 2)
    .move('r6', 'r1')
    .move('r7', -1)
    .add('r2', 14)
    .or('r0', 'r5')
    .and('r5', 15)
    .xor('r5', 0x86dd)
    .shiftLeft('r9', 16)
    .shiftRight('r0', 4);
  t.deepEqual(hex(program), [
    'b700000002000000',
    'bf16000000000000',
    'b7070000ffffffff',
    '070200000e000000',
    '4f50000000000000',
    '570500000f000000',
    'a7050000dd860000',
    '6709000010000000',
    '7700000004000000',
  ]);
});

test('loads name their width, and a swap its bits', (t) => {
  const program = new Assembler()
    .load('u8', 'r0', 'r2', 23)
    .load('u16', 'r6', 'r2', 12)
    .load('u32', 'r3', 'r1', 4)
    .load('u64', 'r9', 'r10', -8)
    .fromNetwork('r6', 16)
    .fromNetwork('r9', 32);
  t.deepEqual(hex(program), [
    '7120170000000000',
    '69260c0000000000',
    '6113040000000000',
    '79a9f8ff00000000',
    'dc06000010000000',
    'dc09000020000000',
  ]);
});

test('a 64-bit immediate takes two instructions', (t) => {
  const program = new Assembler().loadImmediate('r5', 0x020304050607).loadMap('r1', 9);
  t.is(program.length, 4);
  t.deepEqual(hex(program), ['1805000007060504', '0000000003020000', '1811000009000000', '0000000000000000']);
  t.throws(() => new Assembler().loadImmediate('r5', -1), { instanceOf: RangeError });
  t.throws(() => new Assembler().loadImmediate('r5', 2 ** 53), { instanceOf: RangeError });
});

test('jumps go forwards and backwards', (t) => {
  const program = new Assembler()
    .label('start')
    .jumpIf('r0', '>', 'r3', 'end')
    .jumpIf('r6', '!=', 0x0800, 'start')
    .jump('end')
    .call(51)
    .label('end')
    .exit();
  t.deepEqual(hex(program), [
    '2d30030000000000',
    '5506feff00080000',
    '0500010000000000',
    '8500000033000000',
    '9500000000000000',
  ]);
});

test('a label that is missing, doubled or too far away is refused', (t) => {
  t.throws(() => new Assembler().jump('nowhere').assemble(), { message: /nowhere stands nowhere/ });
  t.throws(() => new Assembler().label('here').label('here'), { message: /here stands twice/ });
  const far = new Assembler().jump('end');
  for (let i = 0; i < 32768; i++) far.move('r0', 0);
  t.throws(() => far.label('end').exit().assemble(), { message: /too far away/ });
});
