import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { AgUiEncoder } from '../../protocols/ag-ui/ag-ui-encoder.ts'
import type { AgUiMessage } from '../../protocols/ag-ui/ag-ui-event.ts'
import { AiSdkEncoder } from '../../protocols/ai-sdk/ai-sdk-encoder.ts'
import type { AiSdkVersion } from '../../protocols/ai-sdk/ui-message-part.ts'
import { findOutputTask } from '../../protocols/answer-task.ts'
import type { ProtocolOptions } from '../../protocols/options.ts'
import type { ProtocolEncoder } from '../../protocols/protocol-encoder.ts'
import { type Format, formats } from '../../sse/formats.ts'
import { badRequest } from '../answers/problem.ts'

/** A stream in the protocol of a user interface. It has no cursors: each reader receives a run from its begin. */
export interface ProtocolFormat {
  readonly protocol: 'ai-sdk' | 'ag-ui'
  /** The id of the answer's task, as the request names it. */
  readonly answer?: string
  readonly version?: AiSdkVersion
}

/** A run of AG-UI that a request starts or continues. */
export interface AgUiRun {
  readonly threadId: string
  readonly runId: string
  readonly messages: readonly AgUiMessage[]
}

const NAMES = [...Object.keys(formats), 'ai-sdk', 'ag-ui']

/** Parses `?format=`; `undefined` if it is absent. @throws HttpProblem 400 */
export function chooseFormat(request: Request): Format | ProtocolFormat | undefined {
  const name = new URL(request.url).searchParams.get('format')
  if (name === null) return undefined
  if (name === 'ai-sdk' || name === 'ag-ui') return parseProtocol(request, name)
  if (Object.hasOwn(formats, name)) return formats[name as keyof typeof formats]
  throw badRequest(`Expected \`format\` to be ${NAMES.join(' or ')}`)
}

/** Parses `?answer=` and `?version=`. @throws HttpProblem 400 */
export function parseProtocol(request: Request, protocol: ProtocolFormat['protocol']): ProtocolFormat {
  const { searchParams } = new URL(request.url)
  const answer = searchParams.get('answer')
  const version = searchParams.get('version')
  if (version !== null && !(protocol === 'ai-sdk' && /^[567]$/.test(version))) {
    throw badRequest('Expected `version` to be 5, 6 or 7, the major version of the package `ai`, for `ai-sdk` alone')
  }
  return {
    protocol,
    ...(answer !== null && { answer }),
    ...(version !== null && { version: Number(version) as AiSdkVersion }),
  }
}

/** Refuses the answer of a task that the document does not have. @throws HttpProblem 400 */
export function expectAnswer({ answer }: ProtocolFormat, document: unknown): void {
  if (answer === undefined || listTasks(document).some(({ id }) => id === answer)) return
  throw badRequest('Expected `answer` to be the id of a task of the workflow')
}

/** Headers that the clients of the AI SDK require. */
const AI_SDK_HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' }

/** The headers of a stream in a protocol, beside those of any stream. */
export function protocolHeaders({ protocol }: ProtocolFormat): Readonly<Record<string, string>> {
  return protocol === 'ai-sdk' ? AI_SDK_HEADERS : {}
}

/**
 * An encoder for one reader of an execution.
 * @param run the run that the request starts; absent: what the log holds already is a replay
 */
export function createEncoder(
  format: ProtocolFormat,
  { executionId, record, wholeRecord, log }: HostedExecution,
  run?: AgUiRun & { readonly isNew: boolean },
): ProtocolEncoder {
  const { workflow } = wholeRecord
  const document: unknown = workflow === undefined ? undefined : parseJson(workflow)
  expectAnswer(format, document)
  const { answer = findOutputTask(document ?? {}), version } = format
  const toolOf = (taskId: string): string | undefined => listTasks(document).find(({ id }) => id === taskId)?.tool
  const options: ProtocolOptions = { answer, toolOf }
  if (format.protocol === 'ai-sdk') return new AiSdkEncoder(executionId, { ...options, version })
  const { threadId, runId, messages = [] } = run ?? readRun(record.input) ?? {}
  const replay = { replayTo: run?.isNew ? 0 : log.head, history: messages }
  return new AgUiEncoder(executionId, { ...options, threadId, runId }, replay)
}

/** The tasks of a document that may not have been checked. */
function listTasks(document: unknown): readonly { readonly id?: unknown; readonly tool?: string }[] {
  if (!isJsonObject(document)) return []
  const { tasks, finally: last } = document
  return [tasks, last].flatMap((list: unknown): unknown[] => (Array.isArray(list) ? list : [])).filter(isJsonObject)
}

/** The run that an execution was started by, if its input is one. */
function readRun(input: string | undefined): AgUiRun | undefined {
  return input === undefined ? undefined : findRun(parseJson(input))
}

/** A value as the input of a run; `undefined` for any other value. */
export function findRun(value: unknown): AgUiRun | undefined {
  if (!isJsonObject(value)) return undefined
  const { threadId, runId, messages } = value
  if (typeof threadId !== 'string' || typeof runId !== 'string' || !Array.isArray(messages)) return undefined
  return { threadId, runId, messages: messages.filter(isMessage) }
}

/** A message that a client would take back: a snapshot with any other would end its stream. */
function isMessage(value: unknown): value is AgUiMessage {
  if (!isJsonObject(value)) return false
  const { id, role, content } = value
  if (typeof id !== 'string') return false
  // Activities stay with the client.
  if (role === 'assistant') return content === undefined || typeof content === 'string'
  return (
    ((role === 'user' || role === 'system' || role === 'developer' || role === 'tool') &&
      typeof content === 'string') ||
    (role === 'user' && Array.isArray(content))
  )
}
