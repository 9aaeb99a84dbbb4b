import test from 'ava';
import { canBecomeNobody } from './nobody.js';

/** For tests in which a process is another user than the dispatcher. */
export const asNobody = canBecomeNobody ? test.serial : test.serial.skip;
export const withRoot = (title: string): string =>
  canBecomeNobody ? title : `${title} (skipped: without root there is no other user to be)`;
