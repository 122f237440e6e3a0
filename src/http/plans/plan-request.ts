import { readHead, scheduleOf } from '../../engine/growth/plan-head.ts'
import { PlanLineReader } from '../../engine/growth/plan-lines.ts'
import { resolvePlanOptions } from '../../engine/growth/plan-options.ts'
import { DagstreamError } from '../../errors.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import { badRequest } from '../answers/problem.ts'
import { parseOptions, type ServerBounds } from '../body/execution-options.ts'
import { BrokenPlanError, type PlanBody } from './plan-body.ts'

/** The number of accepted lines that a planner continues behind. @throws HttpProblem 400 */
export function parsePlanLine({ headers }: Request): number | undefined {
  const text = headers.get('plan-line')
  if (text === null) return undefined
  if (/^(?:0|[1-9]\d{0,8})$/.test(text)) return Number(text)
  throw badRequest('Expected `Plan-Line` to be the number of accepted lines, an integer from 0 on')
}

/**
 * Reads the first line of a plan, which may hold its options.
 * @throws HttpProblem 400 for an option that is unknown, invalid, or above the bound of the server, and for a body that breaks off;
 * `INVALID_WORKFLOW` for a name or description
 */
export async function readPlanRequest(planner: PlanBody, bounds: ServerBounds): Promise<ExecutionRequest> {
  const reader = new PlanLineReader(planner)
  try {
    const { head, firstLine, first } = await readHead(reader)
    const { name, description, input, onDisconnect, plan, options: given } = head
    const { options, ...disconnection } = parseOptions(
      { ...given, ...(onDisconnect !== undefined && { onDisconnect }) },
      bounds,
    )
    const workflow = {
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      tasks: [],
    }
    return {
      workflow,
      ...(Object.hasOwn(head, 'input') && { input }),
      options: { ...options, ...scheduleOf(given) },
      ...disconnection,
      plan: { streamed: resolvePlanOptions(firstLine, plan), planner, reader, first },
    }
  } catch (error) {
    throw describeRefusal(error)
  }
}

function describeRefusal(error: unknown): unknown {
  if (error instanceof BrokenPlanError) return badRequest(`${error.message}: its first line is missing`)
  const isOption = error instanceof DagstreamError && error.code === 'INVALID_OPTION'
  return isOption ? badRequest(error.message, error.code) : error
}
