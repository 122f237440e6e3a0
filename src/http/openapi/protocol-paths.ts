import { content, header, JSON_TYPE, parameter, problems } from './operation-parts.ts'
import { type Json, text } from './schema-parts.ts'
import { identity } from './start-operation.ts'

const name = parameter('name', 'path', 'Name of the registered workflow.')

/** The form of a stream. */
export const formatParameters: readonly Json[] = [
  parameter(
    'format',
    'query',
    'The form of the stream. `ai-sdk` and `ag-ui` begin at the first event, whatever the position.',
    {
      enum: ['default', 'job', 'ai-sdk', 'ag-ui'],
      default: 'default',
    },
  ),
  parameter(
    'answer',
    'query',
    'For `ai-sdk` and `ag-ui`: id of the task whose text is the answer. By default the only one that `output` refers to, else ' +
      'the only one of the last layer.',
  ),
]

const [, answer] = formatParameters as [Json, Json]

/** The version of the reader. */
const version = parameter('version', 'query', 'Major version of the package `ai`, for approvals.', {
  type: 'integer',
  enum: [5, 6, 7],
  default: 7,
})

const open = { type: 'object', additionalProperties: true }

const stream = (description: string, headers: Json): Json => ({
  description,
  headers,
  ...content('text/event-stream', text),
})

const uiStream = stream('A UI message stream, version 1.', {
  ...identity,
  'x-vercel-ai-ui-message-stream': header('`v1`.'),
})

/** The routes for clients of user interfaces as they come. */
export const protocolPaths: Json = {
  '/workflows/{name}/chat': {
    parameters: [name],
    post: {
      operationId: 'sendChatMessage',
      summary: 'Run a registered workflow as one turn of a chat of the AI SDK',
      description:
        'The body, as `useChat` sends it, is the input of the workflow. The answer is a stream, whatever `Accept` says.',
      parameters: [answer, version],
      requestBody: {
        required: true,
        ...content(JSON_TYPE, {
          ...open,
          required: ['id', 'messages'],
          properties: {
            id: { type: 'string', minLength: 1, maxLength: 256, description: 'Id of the chat.' },
            messages: { type: 'array' },
            trigger: text,
            messageId: text,
          },
        }),
      },
      responses: { 200: uiStream, ...problems(400, 404, 409, 413, 415, 422, 429, 503) },
    },
  },
  '/workflows/{name}/chat/{chatId}/stream': {
    parameters: [name, parameter('chatId', 'path', 'Id of the chat.')],
    get: {
      operationId: 'resumeChat',
      summary: 'Stream the last turn of a chat again, from its start',
      parameters: [answer, version],
      responses: {
        200: uiStream,
        204: { description: 'No turn of this chat is known that runs or has ended within the last five minutes.' },
        ...problems(400, 404, 409, 429, 503),
      },
    },
  },
  '/workflows/{name}/ag-ui': {
    parameters: [name],
    post: {
      operationId: 'runAgent',
      summary: 'Run a registered workflow as a run of AG-UI',
      description:
        'The body, a `RunAgentInput`, is the input of the workflow. With entries in `resume` it answers the open questions of an ' +
        'interrupted run and continues its execution. The answer is a stream, whatever `Accept` says.',
      parameters: [answer],
      requestBody: {
        required: true,
        ...content(JSON_TYPE, {
          ...open,
          required: ['threadId', 'runId', 'messages'],
          properties: { threadId: text, runId: text, messages: { type: 'array' }, resume: { type: 'array' } },
        }),
      },
      responses: { 200: stream('Events of AG-UI 1.0.', identity), ...problems(400, 404, 409, 413, 415, 422, 429, 503) },
    },
  },
}
