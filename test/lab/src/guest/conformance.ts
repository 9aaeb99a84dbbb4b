/*
 * conformance.js DRIVER ACCESS RINGS GROUP...: runs the suite that every driver has to pass on the guest's first card.
 * Prints a line of JSON for each test.
 */
import assert from 'node:assert/strict';
import { type Assertions, type ConformanceGroup, deviceConformance } from '@nicshare/driver/conformance';
import { openBench } from './bench.js';

const [driver, access, rings, ...groups] = process.argv.slice(2);

const assertions: Assertions = {
  true: (value, message) => assert.ok(value, message),
  false: (value, message) => assert.ok(!value, message),
  is: (value, expected, message) => assert.equal(value, expected, message),
  notThrows: (body, message) => assert.doesNotThrow(body, message),
  deepEqual: (value, expected, message) => assert.deepEqual(value, expected, message),
};

const tests: { title: string; body: (t: Assertions) => Promise<void> }[] = [];
const register = (title: string, body: (t: Assertions) => Promise<void>): void =>
  void tests.push({ title, body });
const open = () => openBench(driver!, access!, Number(rings));
deviceConformance(register, 'card', open, groups as ConformanceGroup[]);

for (const { title, body } of tests) {
  try {
    await body(assertions);
    console.log(JSON.stringify({ title, passed: true }));
  } catch (error) {
    console.log(JSON.stringify({ title, passed: false, why: String((error as Error).stack).slice(0, 600) }));
  }
}
