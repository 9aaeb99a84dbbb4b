import test from 'ava';
import { fromPlainError, NicshareError, toPlainError } from './errors.js';

test('an error is the same on the other side, with and without something to do', (t) => {
  for (const action of ['Do it again. Do it.', '']) {
    const error = new NicshareError('QueueBusy', 'Do it. Do it again.', action);
    const { name, code, message, action: theirs } = fromPlainError(toPlainError(error));
    t.deepEqual([name, code, message, theirs], ['QueueBusy', 'QueueBusy', error.message, action]);
  }
});

test('what is not ours is a SystemError', (t) => {
  t.deepEqual(toPlainError(new Error('no')), { code: 'SystemError', message: 'no', action: '' });
  t.deepEqual(toPlainError('no'), { code: 'SystemError', message: 'no', action: '' });
});
