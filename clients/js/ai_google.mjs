// The Vercel AI SDK with its Google provider.

import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { speakerOf } from './ai_common.mjs';

export const speaker = (task) =>
  speakerOf((apiKey) => createGoogleGenerativeAI({ baseURL: `${task.base_url}/v1beta`, apiKey }), task);
