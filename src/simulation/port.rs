//! The seam at which a driver of a live account meets the world instead of a venue's REST.

use super::world::World;
use crate::venue::live::{Answering, Link};
use swarm_core::delivery::{Request, RequestId};

/// The link of one account in one life of the process.
pub(super) struct Port {
    pub(super) world: World,
    pub(super) account: usize,
    pub(super) life: u32,
}

impl Link for Port {
    fn send(&self, id: RequestId, request: Request) -> Answering {
        let (world, account, life) = (self.world.clone(), self.account, self.life);
        Box::pin(async move {
            let answered = world.of_life(life, |host| {
                let answered = host.inside.expect(account, id);
                host.request(account, id, request);
                answered
            });
            match answered {
                Some(answered) => match answered.await {
                    Ok(answer) => answer,
                    Err(_) => std::future::pending().await,
                },
                // Nothing leaves a dead process.
                None => std::future::pending().await,
            }
        })
    }
}
