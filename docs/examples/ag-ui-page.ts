// A chat with the client of AG-UI: each run is an execution of the workflow `chat`. Served by chat-server.ts.
import { HttpAgent, type Message, runHttpRequest, transformHttpEventStream } from '@ag-ui/client'

/** A run that this page can follow again: the client itself only starts runs. */
class ChatAgent extends HttpAgent {
  protected override connect(): ReturnType<HttpAgent['run']> {
    const url = `/executions/${sessionStorage['executionId']}/events?format=ag-ui`
    return transformHttpEventStream(runHttpRequest(() => fetch(url, { signal: this.abortController.signal })))
  }
}

// Of this tab: after a reload the page continues the same thread.
const threadId = (sessionStorage['threadId'] ??= crypto.randomUUID()) as string
const agent = new ChatAgent({ url: '/workflows/chat/ag-ui', threadId })
agent.messages = JSON.parse(sessionStorage['thread'] ?? '[]') as Message[]

document.body.innerHTML = `<main></main><form><input aria-label="Message" /><button id="send">Send</button>
<button id="stop" type="button" hidden>Stop</button></form><output>ready</output>`
const find = (selector: string): HTMLElement => document.querySelector(selector) as HTMLElement

agent.subscribe({
  onRunStartedEvent({ event }) {
    sessionStorage['executionId'] = event.metadata?.['executionId']
  },
  onMessagesChanged: ({ messages }) => show(messages),
  onRunFinishedEvent: ({ event }) => end(event.outcome?.type ?? 'success'),
  onRunErrorEvent: ({ event }) => end(event.message),
})

find('form').addEventListener('submit', event => {
  event.preventDefault()
  const input = document.querySelector('input') as HTMLInputElement
  agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: input.value })
  input.value = ''
  void follow(agent.runAgent())
})

find('#stop').addEventListener('click', () => {
  // Leaving a stream lets its execution go on for a while: a request cancels it, and the run ends by itself.
  void fetch(`/executions/${sessionStorage['executionId']}/cancel`, { method: 'POST' })
})

async function follow(running: Promise<unknown>): Promise<void> {
  sessionStorage['isRunning'] = 'true'
  setBusy(true)
  try {
    await running
  } catch (error) {
    end(String(error))
  }
}

function end(outcome: string): void {
  delete sessionStorage['isRunning']
  setBusy(false)
  find('output').textContent = outcome
}

function setBusy(isBusy: boolean): void {
  find('#send').hidden = isBusy
  find('#stop').hidden = !isBusy
  if (isBusy) find('output').textContent = 'running'
}

function show(messages: readonly Message[]): void {
  sessionStorage['thread'] = JSON.stringify(messages)
  find('main').replaceChildren(
    ...messages.flatMap(message => {
      if (message.role === 'tool' || (message.role === 'assistant' && message.content === undefined)) return []
      const article = document.createElement('article')
      article.dataset['role'] = message.role
      article.append(
        ...(message.role === 'activity'
          ? listTasks(message.content)
          : [typeof message.content === 'string' ? message.content : '']),
      )
      return [article]
    }),
  )
}

/** The tasks of the activity that the workflow reports. */
function listTasks({ tasks = {} }: { tasks?: Record<string, { status: string }> }): HTMLElement[] {
  return Object.entries(tasks).map(([taskId, { status }]) => {
    const item = document.createElement('li')
    item.textContent = `${taskId}: ${status}`
    return item
  })
}

show(agent.messages)
if (sessionStorage['isRunning'] !== undefined && sessionStorage['executionId'] !== undefined) {
  void follow(agent.connectAgent())
}
