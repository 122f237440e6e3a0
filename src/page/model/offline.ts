import { signal } from '@preact/signals'
import { parseEventId, type SSEEvent } from '../../events/events.ts'
import { parseJson } from '../../json/parse-json.ts'
import type { GraphTask } from '../../host/details/execution-graph.ts'
import { createContext, type ExecutionContext } from '../execution/execution-context.ts'
import { ExecutionModel } from './execution-model.ts'

/** The id of the element that holds an exported execution. */
const ELEMENT = 'dagstream-execution'

/** An exported execution, as `dagstream view` writes it into a page. */
interface Exported {
  readonly executionId: string
  readonly graph?: readonly GraphTask[]
  readonly events: readonly { readonly id?: string; readonly type: string; readonly data: object }[]
}

/** The execution that the page itself holds; `undefined` for a page of a server. */
export function readOffline(): ExecutionContext | undefined {
  const text = document.getElementById(ELEMENT)?.textContent
  if (text === undefined || text === null) return undefined
  const { executionId, graph, events } = parseJson(text) as Exported
  const model = new ExecutionModel(executionId)
  for (const event of events) {
    const seq = event.id === undefined ? 0 : (parseEventId(event.id)?.seq ?? 0)
    model.push({ event: event as unknown as SSEEvent, seq })
  }
  model.connection.value = { status: 'ended' }
  const tasks = graph && new Map(graph.map(task => [task.taskId, task]))
  return createContext(model, signal(tasks), true)
}
