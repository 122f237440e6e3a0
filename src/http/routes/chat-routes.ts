import { Hono } from 'hono'
import type { ExecutionHost } from '../../host/execution-host.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { badRequest } from '../answers/problem.ts'
import { type JsonBody, parseInputRequest } from '../body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import { ChatExecutions } from './chat-executions.ts'
import type { ExecutionAccess } from './execution-access.ts'
import type { ExecutionResponses } from './execution-responses.ts'
import type { ExecutionStarts } from './execution-starts.ts'
import { findWorkflow } from './find-workflow.ts'
import { identify } from './stream-place.ts'
import { parseProtocol } from './stream-format.ts'

/** Maximum length of the id of a chat. */
const MAX_CHAT_ID_CHARS = 256

/** The routes for `useChat` as it comes: each turn of a chat is an execution of a registered workflow. */
export function createChatRoutes(
  host: ExecutionHost,
  responses: ExecutionResponses,
  access: ExecutionAccess,
  starts: ExecutionStarts,
  { execution, workflows }: ResolvedHandlerOptions,
): Hono {
  const chats = new ChatExecutions(execution.clock)
  return new Hono()
    .post('/:name/chat', ({ req }) => {
      const { raw: request } = req
      const workflow = req.param('name')
      const format = parseProtocol(request, 'ai-sdk')
      return starts.answer(request, {
        workflow,
        scope: `chat ${workflow}`,
        parse: body => {
          readChatId(body)
          return parseInputRequest(body, findWorkflow(workflows, workflow))
        },
        locate: ({ text }) => ({ text, path: null, inputPath: [] }),
        protocol: {
          format,
          show: (hosted, body, release) => {
            chats.add({ owner: hosted.record.owner, workflow, chatId: readChatId({ value: body }) }, hosted)
            return responses.streamProtocol(request, hosted, format, { headers: identify(hosted), release })
          },
        },
      })
    })
    .get('/:name/chat/:chatId/stream', async ({ req }) => {
      const { raw: request } = req
      const workflow = req.param('name')
      const chatId = req.param('chatId')
      const format = parseProtocol(request, 'ai-sdk')
      const { owner } = await access.ask(request, { action: 'subscribe', workflow })
      const executionId = chats.find({ owner, workflow, chatId }, findWorkflow(workflows, workflow), host.running.all())
      // Nothing to resume.
      if (executionId === undefined) return new Response(null, { status: 204 })
      const hosted = await access.open(request, 'subscribe', executionId)
      return responses.streamProtocol(request, hosted, format, { headers: identify(hosted) })
    })
}

/** @throws HttpProblem 400 for a body that `useChat` does not send */
function readChatId({ value }: Pick<JsonBody, 'value'>): string {
  if (!isJsonObject(value))
    throw badRequest(`Expected an object with \`id\` and \`messages\`, got ${describeJson(value)}`)
  const { id, messages } = value
  if (typeof id !== 'string' || id === '' || id.length > MAX_CHAT_ID_CHARS) {
    throw badRequest(`Expected \`id\`, the id of the chat, to be a string of 1–${MAX_CHAT_ID_CHARS} characters`)
  }
  if (!Array.isArray(messages)) throw badRequest(`Expected \`messages\` to be an array, got ${describeJson(messages)}`)
  return id
}
