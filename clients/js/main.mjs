// `node main.mjs SPEAKER`: see driver.mjs.

import { main } from './driver.mjs';

const { speaker } = await import(`./${process.argv[2]}.mjs`);
await main(speaker);
