// A chat with `useChat` of the AI SDK: each turn is an execution of the workflow `chat`. Served by chat-server.ts.
import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport, type UIMessage } from 'ai'
import { type FormEvent, type ReactElement, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'

/** Of this tab: after a reload the page continues the same chat. */
const chatId = (sessionStorage['chatId'] ??= crypto.randomUUID()) as string
const stored = JSON.parse(sessionStorage['messages'] ?? '[]') as UIMessage[]

const transport = new DefaultChatTransport({ api: '/workflows/chat/chat' })

function Chat(): ReactElement {
  const [text, setText] = useState('')
  // `resume`: asks once for the stream of a turn that still runs.
  const { messages, status, error, sendMessage, stop } = useChat({
    id: chatId,
    messages: stored,
    resume: true,
    transport,
    experimental_throttle: 50,
  })
  useEffect(() => {
    sessionStorage['messages'] = JSON.stringify(messages)
  }, [messages])

  const isBusy = status === 'submitted' || status === 'streaming'
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void sendMessage({ text })
    setText('')
  }
  const cancel = async (): Promise<void> => {
    const last = messages.at(-1)
    // Leaving a stream lets its execution go on for a while: a request cancels it. The id of the message is that of the execution.
    if (last?.role === 'assistant') await fetch(`/executions/${last.id}/cancel`, { method: 'POST' })
    await stop()
  }
  return (
    <main aria-busy={isBusy}>
      {messages.map(message => (
        <Message key={message.id} message={message} />
      ))}
      {error && <strong role="alert">{error.message}</strong>}
      <form onSubmit={submit}>
        <input aria-label="Message" value={text} onChange={({ target }) => setText(target.value)} />
        {isBusy ? (
          <button type="button" onClick={() => void cancel()}>
            Stop
          </button>
        ) : (
          <button type="submit">Send</button>
        )}
      </form>
      <output>{status}</output>
    </main>
  )
}

function Message({ message: { role, parts } }: { message: UIMessage }): ReactElement {
  // The text of a failed attempt stays in the message: the part of its retry names it.
  const voids = new Set(parts.map(part => (part.type === 'data-task' ? (part.data as { voids?: string }).voids : '')))
  return (
    <article data-role={role}>
      <ul>
        {parts.map(part => {
          if (part.type !== 'dynamic-tool') return null
          return <li key={part.toolCallId}>{`${part.toolCallId}: ${part.state}`}</li>
        })}
      </ul>
      <p>
        {parts.map(part => {
          if (part.type !== 'text') return ''
          const textId = part.providerMetadata?.['dagstream']?.['textId']
          return typeof textId === 'string' && voids.has(textId) ? '' : part.text
        })}
      </p>
    </article>
  )
}

createRoot(document.body.appendChild(document.createElement('div'))).render(<Chat />)
