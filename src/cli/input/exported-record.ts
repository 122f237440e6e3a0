import { stringifyJson } from '../../json/stringify-json.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'

/** The record of an execution as an export shows it, with document and input as JSON again. `undefined` without a document. */
export function readExportedRecord(executionId: string, exported: object): ExecutionRecord | undefined {
  const { workflow, input } = exported as { readonly workflow?: unknown; readonly input?: unknown }
  if (workflow === undefined) return undefined
  return {
    executionId,
    createdAt: '',
    workflow: stringifyJson(workflow),
    ...(input !== undefined && { input: stringifyJson(input) }),
  }
}
