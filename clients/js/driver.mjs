// The checks of one SDK against one provider dialect, written once for all SDKs: the counterpart of
// ../python/driver.py, with the same names, the same task on standard input and the same lines of JSON.
//
// `node main.mjs SPEAKER` imports ./SPEAKER.mjs, whose `speaker(task)` wraps an official SDK:
//   whole(model, key?)    -> { text, usage: [in, cached, out] }
//   streamed(model, said) -> the same; pushes each piece of text onto `said`
//   tool(model)           -> { name, arguments, answer }: a call, and the answer after its result
//   count(model), models(): where the SDK has them
//   isError(error, status), isBroken(error): is it the SDK's own exception?
//   says(error)           -> HTTP status, where it has one

import { isDeepStrictEqual } from 'node:util';

export const TOOL = {
  name: 'look_up',
  description: 'Looks something up.',
  schema: {
    type: 'object',
    properties: { query: { type: 'string' }, limit: { type: 'integer' } },
    required: ['query'],
  },
};
export const QUESTION = 'How is the weather?';
const ARGUMENTS = { query: 'weather in Hangzhou', limit: 3 };

class Failed extends Error {}

function expect(seen, wanted, what) {
  if (!isDeepStrictEqual(seen, wanted)) {
    throw new Failed(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
  }
}

const named = (error) => `${error?.constructor?.name}: ${error?.message ?? error}`;

function checks(speaker, task) {
  const model = (behaviour) => task.prefix + behaviour;
  const compare = (answer) => {
    expect(answer.text, task.text, 'text');
    expect(answer.usage, task.usage, 'usage (in, cached, out)');
  };
  const refused = async (status, behaviour, key) => {
    let answer;
    try {
      answer = await speaker.whole(model(behaviour), key);
    } catch (error) {
      if (!speaker.isError(error, status)) throw new Failed(named(error));
      expect(speaker.says(error), status, 'status');
      return;
    }
    throw new Failed(`no exception but ${JSON.stringify(answer)}`);
  };
  // There is text, and then an exception of the SDK: neither a hang nor a silent end.
  const breaks = async (behaviour) => {
    const said = [];
    let answer;
    try {
      answer = await speaker.streamed(model(behaviour), said);
    } catch (error) {
      if (!speaker.isBroken(error)) throw new Failed(named(error));
      if (said.length === 0) throw new Failed('the exception came before any text');
      return;
    }
    throw new Failed(`no exception but ${JSON.stringify(answer)}`);
  };
  return {
    text: async () => compare(await speaker.whole(model('plain'))),
    stream: async () => {
      const said = [];
      compare(await speaker.streamed(model('plain'), said));
      expect(said.join(''), task.text, 'text, piece by piece');
      if (said.length < 2) throw new Failed('the stream came in one piece');
    },
    thinking: async () => compare(await speaker.streamed(model('thinking'), [])),
    tool: async () => {
      const turn = await speaker.tool(model('tool'));
      expect(turn.name, TOOL.name, "the tool's name");
      expect(turn.arguments, ARGUMENTS, 'its arguments');
      compare(turn.answer);
    },
    error_400: () => refused(400, 'error-400'),
    error_401: () => refused(401, 'plain', `cch_${'0'.repeat(40)}`),
    error_429: () => refused(429, 'error-429'),
    error_529: () => refused(task.overloaded, 'error-529'),
    hidden_whole: async () => compare(await speaker.whole(model('hidden-whole'))),
    hidden_stream: async () => compare(await speaker.streamed(model('hidden-stream'), [])),
    error_after: () => breaks('error-after'),
    cut_after: () => breaks('cut-after'),
    end_early: () => breaks('end-early'),
    count_tokens: async () => {
      if ((await speaker.count(model('plain'))) < 1) throw new Failed('no tokens');
    },
    models_list: () => speaker.models(),
  };
}

// Checks of what is decided before there is a provider. (A hub lets an address try only so many wrong keys.)
const OWN = ['error_401'];

// Checks of calls that not every SDK has.
const OPTIONAL = { count_tokens: 'count', models_list: 'models' };

async function run(name, check, patience) {
  let bell;
  const late = new Promise((_, reject) => {
    bell = setTimeout(() => reject(new Failed(`hangs: nothing for ${patience} s`)), patience * 1000);
  });
  try {
    await Promise.race([check(), late]);
    return { check: name, status: 'ok', detail: '' };
  } catch (error) {
    return { check: name, status: 'FAIL', detail: error instanceof Failed ? error.message : named(error) };
  } finally {
    clearTimeout(bell);
  }
}

export async function main(speakerOf) {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const task = JSON.parse(Buffer.concat(chunks).toString());
  const speaker = speakerOf(task);
  // What an SDK leaves behind when a stream breaks must not end the process: the checks look at what they await.
  process.on('unhandledRejection', () => {});
  for (const [name, check] of Object.entries(checks(speaker, task))) {
    if (task.checks.length > 0 && !task.checks.includes(name)) continue;
    if (task.foreign && OWN.includes(name)) continue;
    if (OPTIONAL[name] && !speaker[OPTIONAL[name]]) continue;
    process.stdout.write(`${JSON.stringify(await run(name, check, task.patience ?? 20))}\n`);
  }
  // Connections that are kept alive would keep the process, too.
  process.exit(0);
}

