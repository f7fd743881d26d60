// The Vercel AI SDK with its OpenAI provider, Responses.

import { createOpenAI } from '@ai-sdk/openai';
import { speakerOf } from './ai_common.mjs';

// Unless it is told to store nothing, it sends the ids of earlier items in their place, and only the vendor that
// has stored them can say what they were.
const OPTIONS = { openai: { store: false } };

export const speaker = (task) =>
  speakerOf((apiKey) => createOpenAI({ baseURL: `${task.base_url}/v1`, apiKey }).responses, task, OPTIONS);
