import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { stringifyJson } from '../../json/stringify-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import type { TaskDetails } from '../../host/details/execution-details.ts'
import { describeFailure } from '../api/failure.ts'
import { request } from '../api/server.ts'
import type { ExecutionContext } from '../execution/execution-context.ts'
import { indentJson } from './indent-json.ts'

/** Arguments and output of a task as texts. */
export interface TaskTexts {
  readonly arguments?: string
  readonly argumentsBytes?: number
  readonly failure?: string
}

/** Asks for the arguments of a task, anew when its attempts begin. */
export function useArguments(
  { model, isOffline }: ExecutionContext,
  taskId: string,
  attempts: number,
): Signal<TaskTexts> {
  const texts = useSignal<TaskTexts>({})
  const isStarted = attempts > 0
  useEffect(() => {
    texts.value = {}
    if (isOffline || !isStarted) return undefined
    const abort = new AbortController()
    const path = `executions/${model.executionId}/tasks/${encodeURIComponent(taskId)}`
    request(path, { signal: abort.signal })
      .then(text => {
        const details = parseJson(text) as TaskDetails
        const given = details.arguments
        texts.value = {
          ...(given !== undefined && { arguments: indentJson(stringifyJson(given)) }),
          ...(details.argumentsBytes !== undefined && { argumentsBytes: details.argumentsBytes }),
        }
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) texts.value = { failure: describeFailure(error) }
      })
    return () => abort.abort()
  }, [model, taskId, isStarted])
  return texts
}
