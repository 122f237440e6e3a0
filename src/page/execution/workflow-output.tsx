/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { Output } from '../task/output.tsx'
import type { ExecutionContext } from './execution-context.ts'

/** The output of the workflow, folded until it is asked for. */
export function WorkflowOutput({ context }: { readonly context: ExecutionContext }): JSX.Element | null {
  void context.model.version.value
  const { output, outputReference, outputError } = context.model.fold.state
  if (outputError !== undefined) {
    return (
      <p class="workflow-output error-text">
        No output: <code>{outputError.code}</code> {outputError.message}
      </p>
    )
  }
  if (output === undefined && outputReference === undefined) return null
  return (
    <details class="workflow-output">
      <summary>Output of the workflow</summary>
      <Output of={{ output, ...outputReference }} isOffline={context.isOffline} />
    </details>
  )
}
