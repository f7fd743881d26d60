// The OpenAI SDK, Responses.

import { QUESTION, TOOL } from './driver.mjs';
import { common, make } from './openai_common.mjs';

const ASK = [{ role: 'user', content: QUESTION }];
const TOOLS = [
  {
    type: 'function',
    name: TOOL.name,
    description: TOOL.description,
    parameters: TOOL.schema,
    strict: false,
  },
];

/** The vendor's own way to say that a stream failed: the SDK hands it on in the response, and throws nothing. */
class Unfinished extends Error {}

function read(response) {
  if (response.status !== 'completed') throw new Unfinished(`the response is ${response.status}`);
  const { usage } = response;
  return {
    text: response.output_text,
    usage: [usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens],
  };
}

export function speaker(task) {
  const client = make(task);
  const shared = common(client);
  const base = (model) => ({ model, input: ASK, store: false });
  return {
    ...shared,
    isBroken: (error) => shared.isBroken(error) || error instanceof Unfinished,
    whole: async (model, key) => read(await (key ? make(task, key) : client).responses.create(base(model))),
    streamed: async (model, said) => {
      const runner = client.responses.stream(base(model));
      runner.on('response.output_text.delta', (event) => said.push(event.delta));
      return read(await runner.finalResponse());
    },
    tool: async (model) => {
      const { output } = await client.responses.stream({ ...base(model), tools: TOOLS }).finalResponse();
      const call = output.find((item) => item.type === 'function_call');
      // What the SDK adds to items and parts is not for sending.
      const items = output.map(({ parsed_arguments: _, ...item }) => ({
        ...item,
        ...(item.content && { content: item.content.map(({ parsed: _, ...part }) => part) }),
      }));
      const input = [...ASK, ...items, { type: 'function_call_output', call_id: call.call_id, output: 'rain' }];
      const answer = await client.responses.create({ ...base(model), input, tools: TOOLS });
      return { name: call.name, arguments: JSON.parse(call.arguments), answer: read(answer) };
    },
  };
}
