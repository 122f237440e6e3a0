/** @jsxImportSource preact */
import type { ComponentChildren, JSX } from 'preact'
import type { TaskState } from '../../events/execution-state.ts'
import { forkFrom, remove } from '../execution/commands.ts'
import { dependenciesOf, type ExecutionContext } from '../execution/execution-context.ts'
import { go, route } from '../route.ts'
import { formatBytes, formatDuration } from '../shell/format.ts'
import { Status } from '../shell/status.tsx'
import { Attempts } from './attempts.tsx'
import { JsonText } from './json-text.tsx'
import { Output } from './output.tsx'
import { Figures } from './figures.tsx'
import { Messages, StreamedText } from './streams.tsx'
import { useArguments } from './task-details.ts'

/** Everything about one task. */
export function TaskPane({
  context,
  taskId,
}: {
  readonly context: ExecutionContext
  readonly taskId: string
}): JSX.Element {
  const { model, isOffline } = context
  void model.version.value
  const { state, trace } = model.fold
  const now = model.live.state
  const task = state.tasks.get(taskId)
  const texts = useArguments(context, taskId, task?.attempts ?? 0).value
  const close = (): void => {
    const { value: at } = route
    if (at.view === 'execution') go({ view: at.view, executionId: at.executionId, tab: at.tab }, true)
  }
  const { result, tool, status = 'pending', layer } = task ?? {}
  const traced = trace.tasks.get(taskId)
  return (
    <aside class="pane" aria-label={`Task ${taskId}`}>
      <div class="pane-head">
        <h2 title={taskId}>{taskId}</h2>
        <button type="button" class="quiet" onClick={close} aria-label="Close the task">
          ✕
        </button>
      </div>
      <p class="pane-line">
        <Status status={status} />
        {tool !== undefined && <code>{tool}</code>}
        {layer !== undefined && <span class="dim">layer {layer + 1}</span>}
        {result !== undefined && result.attempts > 0 && (
          <span class="dim">{formatDuration(result.executionTimeMs)}</span>
        )}
      </p>
      {task === undefined && <p class="dim">This execution has no such task, or not yet.</p>}
      {result?.error !== undefined && (
        <Section title="Error">
          <p class="error-text">
            {result.code !== undefined && <code>{result.code}</code>} {result.error}
          </p>
          {result.causedBy !== undefined && (
            <p>
              Because of <TaskLink taskId={result.causedBy} />
            </p>
          )}
        </Section>
      )}
      {result?.reusedFrom !== undefined && (
        <p class="dim">
          Taken over from <code>{result.reusedFrom.taskId}</code> of{' '}
          <a href={`#/executions/${result.reusedFrom.executionId}`}>{result.reusedFrom.executionId}</a>
        </p>
      )}
      {traced?.text !== undefined && <StreamedText text={traced.text} isCut={traced.isTextCut === true} />}
      {(texts.arguments ?? texts.argumentsBytes) !== undefined && (
        <Section title="Arguments">
          {texts.arguments !== undefined ? (
            <JsonText label="Arguments" text={texts.arguments} />
          ) : (
            <p class="dim">{formatBytes(texts.argumentsBytes ?? 0)}: too large to show</p>
          )}
        </Section>
      )}
      {texts.failure !== undefined && <p class="error">{texts.failure}</p>}
      {result?.status === 'success' && (
        <Section title="Output">
          <Output of={result} isOffline={isOffline} />
        </Section>
      )}
      {traced !== undefined && traced.attempts.length > 0 && (
        <Section title="Attempts">
          <Attempts attempts={traced.attempts} />
        </Section>
      )}
      {traced !== undefined && <Figures task={traced} waitMs={result?.waitMs} />}
      {traced?.messages !== undefined && <Messages messages={traced.messages} />}
      <Neighbours context={context} taskId={taskId} />
      {!isOffline && task !== undefined && task.parentId === undefined && (
        <button type="button" onClick={() => void forkFrom(model.executionId, [taskId])}>
          Run again from here
        </button>
      )}
      {!isOffline && now.status === 'running' && isRemovable(now.tasks.get(taskId)) && (
        <button type="button" onClick={() => void remove(model.executionId, taskId)}>
          Remove
        </button>
      )}
    </aside>
  )
}

/** Whether a task of the document has not started. */
function isRemovable(task: TaskState | undefined): boolean {
  return task?.status === 'pending' && task.parentId === undefined
}

function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function Neighbours({
  context,
  taskId,
}: {
  readonly context: ExecutionContext
  readonly taskId: string
}): JSX.Element | null {
  const ids = dependenciesOf(context, taskId)
  const task = context.graph.value?.get(taskId)
  if ((ids === undefined || ids.length === 0) && task?.when === undefined) return null
  return (
    <Section title="Runs after">
      {ids?.slice(0, 50).map(id => (
        <TaskLink key={id} taskId={id} />
      ))}
      {ids !== undefined && ids.length > 50 && <span class="dim">and {ids.length - 50} more</span>}
      {task?.when !== undefined && (
        <p>
          if <code>{task.when}</code>
        </p>
      )}
    </Section>
  )
}

function TaskLink({ taskId }: { readonly taskId: string }): JSX.Element {
  const { value: at } = route
  return (
    <button type="button" class="chip" onClick={() => at.view === 'execution' && go({ ...at, task: taskId }, true)}>
      {taskId}
    </button>
  )
}
