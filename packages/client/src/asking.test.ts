import { setImmediate as turn } from 'node:timers/promises';
import { NicshareError } from '@nicshare/shm';
import test from 'ava';
import { Asking } from './asking.js';

/** A dispatcher that answers when it is told to. */
class Dispatcher {
  readonly asked: string[] = [];
  readonly #answers: ((error?: Error) => void)[] = [];

  readonly ask = (address: string): Promise<void> => {
    this.asked.push(address);
    return new Promise((resolve, reject) => {
      this.#answers.push((error) => (error ? reject(error) : resolve()));
    });
  };

  answer(error?: Error): void {
    this.#answers.shift()!(error);
  }

  get waiting(): number {
    return this.#answers.length;
  }
}

test('an address is asked for once, however many wait for it', async (t) => {
  const dispatcher = new Dispatcher();
  const asking = new Asking(dispatcher.ask);
  const both = Promise.all([asking.resolve('10.0.0.1'), asking.resolve('10.0.0.1')]);
  await turn();
  t.deepEqual(dispatcher.asked, ['10.0.0.1']);
  dispatcher.answer();
  await both;
  void asking.resolve('10.0.0.1');
  await turn();
  t.is(dispatcher.asked.length, 2);
});

test('few are with the dispatcher at a time, and all have their turn', async (t) => {
  const dispatcher = new Dispatcher();
  const asking = new Asking(dispatcher.ask);
  const addresses = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`);
  const all = Promise.all(addresses.map((address) => asking.resolve(address)));
  for (let answered = 0; answered < 100; answered++) {
    await turn();
    t.true(dispatcher.waiting <= 32 && dispatcher.waiting > 0);
    dispatcher.answer();
  }
  await all;
  t.deepEqual(dispatcher.asked, addresses);
});

test('a refusal is passed on, and gives its turn back', async (t) => {
  const dispatcher = new Dispatcher();
  const asking = new Asking(dispatcher.ask);
  for (let i = 0; i < 40; i++) {
    const asked = asking.resolve('10.0.0.1');
    await turn();
    dispatcher.answer(new NicshareError('NeighbourFailed', 'No.', ''));
    await t.throwsAsync(asked, { name: 'NeighbourFailed' });
  }
});

test('who is told to come later asks again', async (t) => {
  const dispatcher = new Dispatcher();
  const asking = new Asking(dispatcher.ask);
  const asked = asking.resolve('10.0.0.1');
  await turn();
  dispatcher.answer(new NicshareError('TooManyRequests', 'Later.', ''));
  while (dispatcher.waiting === 0) await turn();
  dispatcher.answer();
  await asked;
  t.is(dispatcher.asked.length, 2);
});
