import { type ForkRequest, prepareFork } from '../../engine/reuse/prepare-fork.ts'
import { readOptions, type RecordedOptions } from '../../engine/resume/recorded-options.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import type { ExecutionRecord, ExecutionStore } from '../../store/execution-store.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { badRequest } from '../answers/problem.ts'
import { parseOptions, type ServerBounds } from './execution-options.ts'
import { type JsonBody, parseEnvelope, refuseDuplicates } from './execution-request.ts'

/** What a request for a fork asks for. */
export interface AskedFork extends Pick<ExecutionRequest, 'options' | 'isGraceAsked' | 'graceMs'> {
  readonly request: ForkRequest<DAGStructure>
}

/**
 * Parses `{from?, workflow?, input?, options?}`.
 * @throws as `parseExecutionRequest` does; HttpProblem 400 for a `from` that is no list of ids
 */
export function parseForkRequest(body: JsonBody, server: ServerBounds): AskedFork {
  const { value } = body
  if (!isJsonObject(value)) throw badRequest(`Expected the body to be an object, got ${describeJson(value)}`)
  const { from = [], ...rest } = value
  if (!Array.isArray(from) || from.some(id => typeof id !== 'string')) {
    throw badRequest('Expected `from` to be an array of task ids')
  }
  const envelope = { workflow: undefined, ...rest }
  const { workflow, input, options, duplicates } = parseEnvelope({ ...body, value: envelope }, [
    'from',
    'input',
    'options',
  ])
  if (duplicates.length > 0) throw refuseDuplicates(duplicates)
  const request = { from: from as string[], workflow: workflow as DAGStructure | undefined, input }
  return { request, ...parseOptions(options, server) }
}

/**
 * The request to start a fork of a recorded execution.
 * @throws as `parseForkRequest` and `prepareFork` do
 */
export async function prepareForkRequest(
  body: JsonBody,
  bounds: ServerBounds,
  record: ExecutionRecord,
  store: ExecutionStore,
): Promise<ExecutionRequest> {
  const { request, options, ...grace } = parseForkRequest(body, bounds)
  const prepared = await prepareFork(record, store, request)
  const recorded = readAskableOptions(record.options, bounds)
  return { ...prepared, options: { ...recorded, ...options }, ...grace }
}

/** The recorded options that a request could ask for, within the bounds of the server. @throws `RECORD_UNUSABLE` */
export function readAskableOptions(options: string | undefined, server: ServerBounds): ExecutionRequest['options'] {
  const recorded: RecordedOptions = readOptions(options)
  const { schedule, onTaskError, onCrash, maxConcurrency, priority, timeoutMs } = recorded
  const isTimeBound = server.timeoutMs > 0 && (timeoutMs === undefined || timeoutMs === 0)
  const mostMs = server.timeoutMs > 0 ? server.timeoutMs : Number.POSITIVE_INFINITY
  return {
    ...(schedule !== undefined && { schedule }),
    ...(onTaskError !== undefined && { onTaskError }),
    ...(onCrash !== undefined && { onCrash }),
    ...(maxConcurrency !== undefined && { maxConcurrency: Math.min(maxConcurrency, server.maxConcurrency) }),
    ...(priority !== undefined && { priority }),
    ...(timeoutMs !== undefined && !isTimeBound && { timeoutMs: Math.min(timeoutMs, mostMs) }),
  }
}
