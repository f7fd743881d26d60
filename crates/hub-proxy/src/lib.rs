//! The gateway: authenticate, choose, forward, stream back, account. Embeddable.
