import type { Message } from './child.js';

/** In a script of `processes`: tells the test something. */
export const say = (event: string, fields: object = {}): Promise<void> =>
  new Promise((resolve) => {
    process.send!({ event, ...fields }, () => resolve());
  });

const heard: Message[] = [];
let wake: () => void = () => {};

process.on('message', (message: Message) => {
  heard.push(message);
  wake();
});

/** Whether the test has said so; takes it. */
export function told(event: string): boolean {
  const index = heard.findIndex((message) => message.event === event);
  if (index >= 0) heard.splice(index, 1);
  return index >= 0;
}

/** Resolves with the next thing that the test says. */
export async function nextCommand(): Promise<Message> {
  while (heard.length === 0)
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  return heard.shift()!;
}
