// A daemon of Kubo's as its own clients reach it, with nothing in between.

import { startKubo } from '../kubo.mjs'

/** Start an empty node; `close` ends it. */
export async function spawn (options) {
  return startKubo(options)
}
