// A process whose tools do what would end it: it prints what became of its executions, and what reached the process itself.
// oxlint-disable-next-line import/no-unresolved -- built by `npm test` before
import { StreamingExecutor } from '../../dist/index.js'

const uncaught = []
process.on('uncaughtException', error => uncaught.push(error.message))
process.on('unhandledRejection', error => uncaught.push(`rejection: ${error.message}`))

const tools = {
  // Listeners of the platform's own signal: what they throw is reported to the process, whoever aborts.
  listening: (_, { signal }) =>
    new Promise(resolve => {
      signal.addEventListener('abort', () => {
        throw new Error('listener')
      })
      signal.addEventListener('abort', () => resolve(1))
    }),
  stray() {
    void Promise.reject(new Error('stray'))
    return new Promise(resolve => setTimeout(resolve, 10, 1))
  },
  late: (_, { emitToken, reportProgress, log, reportUsage }) =>
    new Promise(resolve => {
      const bomb = {
        toString() {
          throw new Error('bomb')
        },
      }
      setTimeout(() => emitToken(bomb), 1)
      setTimeout(() => reportProgress({ progress: 1, message: bomb }), 1)
      setTimeout(() => reportProgress(null), 1)
      setTimeout(() => log('info', bomb), 1)
      setTimeout(() => reportUsage(null), 1)
      setTimeout(resolve, 20, 1)
    }),
}

const statuses = []
for (const tool of Object.keys(tools)) {
  const tasks = ['a', 'b'].map(id => ({ id, tool }))
  const execution = new StreamingExecutor(tools).stream({ tasks })
  if (tool === 'listening') setTimeout(() => execution.cancel(), 20)
  const { status, successCount, cancelledCount } = await execution.result
  statuses.push([tool, status, successCount + cancelledCount])
}
process.stdout.write(JSON.stringify({ statuses, uncaught }))
