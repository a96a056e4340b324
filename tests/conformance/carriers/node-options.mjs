// What the suites ask of a node that is to be made.

/**
 * Whether the node is to shard every directory, however small.
 *
 * @param {{ipfsOptions?: {EXPERIMENTAL?: {sharding?: boolean}}}} options as given to the suites' factory
 */
export function shardsAll (options) {
  return options.ipfsOptions?.EXPERIMENTAL?.sharding === true
}

/** The setting by which a node asks the suites' own DNS server. */
export function resolvers () {
  return { '.': process.env.CONFORMANCE_DNS_URL }
}
