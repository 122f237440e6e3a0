import type { QuestionOptions, Tool } from './tool.ts'

/**
 * The tool `human:ask`: asks a person and returns the answer. It takes `message`, `schema`, `expiresMs` and `default` of
 * `ToolContext.ask`. A secret cannot be asked for: the output of the task would show it.
 */
export const humanAskTool: Tool = {
  name: 'human:ask',
  description: 'Asks a person and returns the answer.',
  readOnly: true,
  exactNumbers: true,
  inputSchema: {
    type: 'object',
    properties: {
      message: { type: 'string', minLength: 1, description: 'The question.' },
      schema: { type: 'object', description: 'JSON Schema of the answer.' },
      expiresMs: { type: 'number', minimum: 0, description: 'How long the question is open, ms.' },
      default: { description: 'The answer if the question expires.' },
    },
    required: ['message'],
    additionalProperties: false,
  },
  execute: (args, { ask }) => ask(args as unknown as QuestionOptions),
}
