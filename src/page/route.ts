import { type Signal, signal } from '@preact/signals'

/** Where the page is: the hash of its address. */
export type Route =
  | { readonly view: 'executions' }
  | { readonly view: 'new' }
  | {
      readonly view: 'execution'
      readonly executionId: string
      readonly tab: 'timeline' | 'graph'
      readonly task?: string
    }

/** The current route. */
export const route: Signal<Route> = signal(parseRoute(location.hash))

addEventListener('hashchange', () => (route.value = parseRoute(location.hash)))

/** The hash of a route. */
export function hashOf(to: Route): string {
  if (to.view !== 'execution') return to.view === 'new' ? '#/new' : '#/'
  const query = new URLSearchParams()
  if (to.tab !== 'timeline') query.set('view', to.tab)
  if (to.task !== undefined) query.set('task', to.task)
  const text = query.toString()
  return `#/executions/${to.executionId}${text === '' ? '' : `?${text}`}`
}

/** Goes to a route. @param replace whether the history keeps its last entry */
export function go(to: Route, replace = false): void {
  if (!replace) location.hash = hashOf(to)
  else {
    history.replaceState(null, '', hashOf(to))
    route.value = to
  }
}

/** Any other text leads to the list. */
export function parseRoute(hash: string): Route {
  if (/^#\/new$/.test(hash)) return { view: 'new' }
  const [, executionId, search = ''] = /^#\/executions\/([A-Za-z0-9_-]{1,128})(?:\?(.*))?$/.exec(hash) ?? []
  if (executionId === undefined) return { view: 'executions' }
  const query = new URLSearchParams(search)
  const task = query.get('task')
  const tab = query.get('view') === 'graph' ? 'graph' : 'timeline'
  return { view: 'execution', executionId, tab, ...(task !== null && { task }) }
}
