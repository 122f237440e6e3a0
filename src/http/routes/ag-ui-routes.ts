import { Hono } from 'hono'
import type { PersonAnswer } from '../../engine/inputs/answer-stored.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { parseInterruptId } from '../../protocols/ag-ui/ids.ts'
import { badRequest } from '../answers/problem.ts'
import { parseInputRequest, readJson } from '../body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { ExecutionAccess } from './execution-access.ts'
import type { ExecutionResponses } from './execution-responses.ts'
import type { ExecutionStarts } from './execution-starts.ts'
import { findWorkflow } from './find-workflow.ts'
import { identify } from './stream-place.ts'
import { type AgUiRun, findRun, parseProtocol } from './stream-format.ts'

/** The answer to an interrupt. */
interface Resumption {
  readonly executionId: string
  readonly inputId: string
  readonly answer: PersonAnswer
}

/** The route for AG-UI clients as they come: each run is an execution of a registered workflow, or continues one. */
export function createAgUiRoutes(
  host: ExecutionHost,
  responses: ExecutionResponses,
  access: ExecutionAccess,
  starts: ExecutionStarts,
  { workflows }: ResolvedHandlerOptions,
): Hono {
  return new Hono().post('/:name/ag-ui', async ({ req }) => {
    const request = req.raw
    const workflow = req.param('name')
    const format = parseProtocol(request, 'ag-ui')
    const show = (hosted: HostedExecution, run: AgUiRun, isNew: boolean, release?: () => void): Response => {
      const start = { headers: identify(hosted), release, run: { ...run, isNew } }
      return responses.streamProtocol(request, hosted, format, start)
    }
    // A request that continues a run needs both actions: what it asks for is in its body.
    const creation = await access.ask(request, { action: 'create', workflow })
    const read = await readJson(request)
    const { value } = read
    const [first, ...others] = readResumptions(value)
    if (first === undefined) {
      return starts.answer(request, {
        workflow,
        access: creation,
        body: read,
        scope: `ag-ui ${workflow}`,
        parse: body => {
          readRun(body.value)
          return parseInputRequest(body, findWorkflow(workflows, workflow))
        },
        locate: ({ text }) => ({ text, path: null, inputPath: [] }),
        protocol: { format, show: (hosted, body, release) => show(hosted, readRun(body), true, release) },
      })
    }
    const run = readRun(value)
    const { executionId } = first
    if (others.some(each => each.executionId !== executionId)) {
      throw badRequest('Expected the entries of `resume` to be of one execution')
    }
    const { owner } = await access.find(request, 'answer', executionId)
    for (const { inputId, answer } of [first, ...others]) {
      await host.commands.answer(executionId, inputId, answer, owner)
    }
    return show(await access.open(request, 'subscribe', executionId), run, false)
  })
}

/** @throws HttpProblem 400 for a body that is no `RunAgentInput` */
function readRun(value: unknown): AgUiRun {
  const run = findRun(value)
  if (run !== undefined) return run
  throw badRequest(
    'Expected a `RunAgentInput`: an object with the strings `threadId` and `runId` and the array `messages`',
  )
}

/** @throws HttpProblem 400 */
function readResumptions(value: unknown): readonly Resumption[] {
  const resume = isJsonObject(value) ? (value as { readonly resume?: unknown }).resume : undefined
  if (resume === undefined) return []
  if (!Array.isArray(resume)) throw badRequest('Expected `resume` to be an array')
  return resume.map((entry: unknown): Resumption => {
    const { interruptId, status, payload } = isJsonObject(entry) ? entry : {}
    const place = typeof interruptId === 'string' ? parseInterruptId(interruptId) : undefined
    if (place === undefined || (status !== 'resolved' && status !== 'cancelled')) {
      throw badRequest(
        'Expected each entry of `resume` to have the id of an interrupt, and a `status` of resolved or cancelled',
      )
    }
    return { ...place, answer: status === 'cancelled' ? { decline: true } : { response: payload ?? null } }
  })
}
