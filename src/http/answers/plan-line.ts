import type { HostedExecution } from '../../host/execution/hosted-execution.ts'

/** The header with the number of lines of a plan that are in the log; none for any other execution. */
export function describePlanLine({ log }: HostedExecution): { readonly 'Plan-Line'?: string } {
  const { planLine } = log.state
  return planLine === undefined ? {} : { 'Plan-Line': String(planLine) }
}
