// Serves one contender in a separate process, controlled by messages, one at a time.
import { setTimeout as pause } from 'node:timers/promises'
import { CONTENDERS } from './http-contenders.mjs'

let contender
let peakBytes = 0
let watching

const COMMANDS = {
  /** @returns its URL */
  async start(given) {
    contender = await CONTENDERS[given.contender](given.options)
    return contender.url
  },
  /** CPU time of the process so far, ms. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  /** Memory after garbage collection, bytes. Measured twice, with pauses: pages are returned a little later. */
  async memory() {
    for (let round = 0; round < 3; round++) {
      globalThis.gc()
      await pause(150)
    }
    return process.memoryUsage()
  },
  /** Looks from now on how much it takes at the most. @returns what it takes now, bytes */
  watchPeak() {
    clearInterval(watching)
    const look = () => {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
    }
    peakBytes = 0
    look()
    watching = setInterval(look, 5)
    return peakBytes
  },
  peak: () => peakBytes,
}

async function answer({ command, parameters }) {
  try {
    const value = await (COMMANDS[command] ?? contender.commands[command])(parameters)
    process.send({ value })
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) })
  }
}

// It answers what it fails at.
process.on('message', message => void answer(message))
// Connections that are open do not keep it.
process.on('disconnect', () => process.exit())
