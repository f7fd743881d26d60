// The Google Gen AI SDK.

import { ApiError, GoogleGenAI } from '@google/genai';
import { QUESTION, TOOL } from './driver.mjs';

const ASK = { role: 'user', parts: [{ text: QUESTION }] };
const FUNCTION = { name: TOOL.name, description: TOOL.description, parametersJsonSchema: TOOL.schema };
const CONFIG = { tools: [{ functionDeclarations: [FUNCTION] }] };

const partsOf = (response) => response.candidates?.[0]?.content?.parts ?? [];
const visible = (response) =>
  partsOf(response)
    .map((part) => (part.text && !part.thought ? part.text : ''))
    .join('');
const figures = (usage) => [
  usage.promptTokenCount,
  usage.cachedContentTokenCount ?? 0,
  (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
];
const read = (response) => ({ text: visible(response), usage: figures(response.usageMetadata) });

export function speaker(task) {
  const make = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: task.base_url, timeout: 15_000 } });
  const client = make(task.key);
  return {
    whole: async (model, key) =>
      read(await (key ? make(key) : client).models.generateContent({ model, contents: [ASK] })),
    streamed: async (model, said) => {
      let usage;
      for await (const chunk of await client.models.generateContentStream({ model, contents: [ASK] })) {
        const piece = visible(chunk);
        if (piece) said.push(piece);
        usage = chunk.usageMetadata ?? usage;
      }
      return { text: said.join(''), usage: figures(usage) };
    },
    tool: async (model) => {
      const parts = [];
      const stream = await client.models.generateContentStream({ model, contents: [ASK], config: CONFIG });
      for await (const chunk of stream) parts.push(...partsOf(chunk));
      const call = parts.find((part) => part.functionCall).functionCall;
      const reply = { id: call.id, name: call.name, response: { output: 'rain' } };
      const contents = [ASK, { role: 'model', parts }, { role: 'user', parts: [{ functionResponse: reply }] }];
      const answer = await client.models.generateContent({ model, contents, config: CONFIG });
      return { name: call.name, arguments: call.args, answer: read(answer) };
    },
    count: async (model) => (await client.models.countTokens({ model, contents: [ASK] })).totalTokens,
    models: async () => {
      for await (const model of await client.models.list()) if (!model.name) throw new Error('a model without a name');
    },
    isError: (error, status) => error instanceof ApiError && error.status === status,
    isBroken: (error) => error instanceof ApiError,
    says: (error) => error.status,
  };
}
