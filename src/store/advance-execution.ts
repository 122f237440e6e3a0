import type { EventFor } from '../events/events.ts'
import type { StoredEntry } from '../log/stored-entry.ts'
import type { StoredExecution } from './execution-store.ts'

/**
 * Applies one log entry to a stored execution: its `status`, `parked` and `isStopping`.
 * @returns the same object if the entry changes nothing
 */
export function advanceExecution(execution: StoredExecution, entry: StoredEntry): StoredExecution {
  switch (entry.type) {
    case 'execution_stopping':
      return { ...execution, isStopping: true }
    case 'execution_parked': {
      const { code, message, tasks } = JSON.parse(entry.json) as EventFor<'execution_parked'>['data']
      return { ...execution, parked: { code, message, tasks } }
    }
    case 'execution_resumed': {
      const { parked: _, ...rest } = execution
      return rest
    }
    case 'execution_complete': {
      const { parked: _, isStopping: __, ...rest } = execution
      return { ...rest, status: (JSON.parse(entry.json) as EventFor<'execution_complete'>['data']).status }
    }
    default:
      return execution
  }
}
