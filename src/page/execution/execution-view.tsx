/** @jsxImportSource preact */
import { useMemo } from 'preact/hooks'
import type { JSX } from 'preact'
import { Questions } from '../answer/questions.tsx'
import { GraphView } from '../graph/graph-view.tsx'
import { type Route, route } from '../route.ts'
import { TaskPane } from '../task/task-pane.tsx'
import { Timeline } from '../timeline/timeline.tsx'
import { createTimeView } from '../timeline/time-view.ts'
import type { ExecutionContext } from './execution-context.ts'
import { ExecutionHead } from './execution-head.tsx'
import { PlanForm } from './plan-form.tsx'
import { ReplayBar } from './replay-bar.tsx'
import { Toolbar } from './toolbar.tsx'
import { useExecution } from './use-execution.ts'
import { WorkflowOutput } from './workflow-output.tsx'

/** One execution of the server. */
export function ExecutionView({ executionId }: { readonly executionId: string }): JSX.Element {
  return <ExecutionPanels context={useExecution(executionId)} />
}

/** The views of one execution. */
export function ExecutionPanels({ context }: { readonly context: ExecutionContext }): JSX.Element {
  const view = useMemo(createTimeView, [context])
  const at = route.value as Extract<Route, { view: 'execution' }>
  const { connection } = context.model
  const isUnknown = connection.value.status === 'failed' && context.model.live.state.seq === 0
  return (
    <main class="execution">
      <ExecutionHead context={context} />
      {!context.isOffline && <Questions context={context} />}
      {!context.isOffline && <PlanForm context={context} />}
      <Toolbar context={context} view={view} tab={at.tab} />
      {isUnknown ? (
        <p class="empty">{connection.value.status === 'failed' && connection.value.error}</p>
      ) : (
        <div class={`panels ${at.task === undefined ? '' : 'with-pane'}`}>
          <div class="main-panel">
            {at.tab === 'graph' ? <GraphView context={context} /> : <Timeline context={context} view={view} />}
            <WorkflowOutput context={context} />
          </div>
          {at.task !== undefined && <TaskPane key={at.task} context={context} taskId={at.task} />}
        </div>
      )}
      <ReplayBar model={context.model} />
    </main>
  )
}
