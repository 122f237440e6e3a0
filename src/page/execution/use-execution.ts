import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { GraphTask } from '../../host/details/execution-graph.ts'
import { isUnauthorized } from '../api/failure.ts'
import { requestJson, transport } from '../api/server.ts'
import { isTokenAsked } from '../api/token.ts'
import { ExecutionModel } from '../model/execution-model.ts'
import { follow } from '../model/follow.ts'
import { createContext, type ExecutionContext } from './execution-context.ts'

/** Follows an execution of the server while the caller is shown. */
export function useExecution(executionId: string): ExecutionContext {
  const [context, run] = useMemo(() => prepare(executionId), [executionId])
  useEffect(run, [run])
  return context
}

function prepare(executionId: string): readonly [ExecutionContext, () => () => void] {
  const model = new ExecutionModel(executionId)
  const graph = signal<ReadonlyMap<string, GraphTask> | undefined>(undefined)
  const context = createContext(model, graph, false)
  const run = (): (() => void) => {
    const abort = new AbortController()
    void follow(transport, model, abort.signal, error => {
      if (isUnauthorized(error)) isTokenAsked.value = true
    })
    requestJson<{ tasks: readonly GraphTask[] }>(`executions/${executionId}/graph`, { signal: abort.signal })
      .then(({ tasks }) => (graph.value = new Map(tasks.map(task => [task.taskId, task]))))
      // Without it the graph has no edges, which it says.
      .catch(() => {})
    return () => {
      abort.abort()
      model.close()
    }
  }
  return [context, run]
}
