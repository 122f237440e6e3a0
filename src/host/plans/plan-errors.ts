import { DagstreamError } from '../../errors.ts'

/** Another planner writes the plan. */
export function planBusy(): DagstreamError {
  const message = 'Another request writes this plan: end it first, or try again once it has been silent for 10 s'
  return new DagstreamError('PLAN_BUSY', message)
}

/** The plan takes no more lines. */
export function planClosed(line: number): DagstreamError {
  const message =
    'The plan is complete, or its execution ends: it takes no more lines. Follow it by GET /executions/{id}/events'
  return new DagstreamError('PLAN_CLOSED', message, { details: { planLine: line } })
}

/** @param line the number of lines that were accepted */
export function planLineMismatch(line: number, given: number | undefined): DagstreamError {
  const found = given === undefined ? 'none' : String(given)
  const next =
    line === 0
      ? 'there is no such plan: send it from its first line, without `Plan-Line`'
      : `continue with line ${line + 1} and \`Plan-Line: ${line}\``
  const message = `Expected \`Plan-Line\` to be the number of accepted lines, got ${found}: ${next}`
  return new DagstreamError('PLAN_LINE_MISMATCH', message, { details: { planLine: line } })
}

/** The server that coordinates the execution is of a version that takes no lines from other servers. */
export function planElsewhere(): DagstreamError {
  const message =
    'The server that runs this execution is of an earlier version, which takes no lines by way of other servers: try again once it is updated, or at that server'
  return new DagstreamError('PLAN_ELSEWHERE', message)
}
