//! LDK's router, watched: the ways that it finds are noted for those who look on.

use std::sync::Arc;

use lightning::bitcoin::secp256k1::{self, PublicKey, Secp256k1};
use lightning::blinded_path::payment::{BlindedPaymentPath, ReceiveTlvs};
use lightning::ln::channel_state::ChannelDetails;
use lightning::ln::channelmanager::PaymentId;
use lightning::routing::router::{InFlightHtlcs, Route, RouteParameters, Router};
use lightning::types::payment::PaymentHash;

use crate::hex::Hex32;
use crate::ldk::DefaultRouter;
use crate::walks::Walks;

/// Finds ways as LDK does, and tells the node's [`Walks`].
pub(crate) struct WatchedRouter {
    router: DefaultRouter,
    walks: Arc<Walks>,
}

impl WatchedRouter {
    pub(crate) fn new(router: DefaultRouter, walks: Arc<Walks>) -> Self {
        Self { router, walks }
    }
}

impl Router for WatchedRouter {
    fn find_route(
        &self,
        payer: &PublicKey,
        parameters: &RouteParameters,
        first_hops: Option<&[&ChannelDetails]>,
        in_flight: InFlightHtlcs,
    ) -> Result<Route, &'static str> {
        self.router
            .find_route(payer, parameters, first_hops, in_flight)
    }

    fn find_route_with_id(
        &self,
        payer: &PublicKey,
        parameters: &RouteParameters,
        first_hops: Option<&[&ChannelDetails]>,
        in_flight: InFlightHtlcs,
        payment_hash: PaymentHash,
        _payment_id: PaymentId,
    ) -> Result<Route, &'static str> {
        let route = self.find_route(payer, parameters, first_hops, in_flight)?;
        for path in &route.paths {
            self.walks.choose(Hex32(payment_hash.0), path);
        }
        Ok(route)
    }

    fn create_blinded_payment_paths<T: secp256k1::Signing + secp256k1::Verification>(
        &self,
        recipient: PublicKey,
        first_hops: Vec<ChannelDetails>,
        tlvs: ReceiveTlvs,
        amount_msats: Option<u64>,
        secp_ctx: &Secp256k1<T>,
    ) -> Result<Vec<BlindedPaymentPath>, ()> {
        self.router.create_blinded_payment_paths(
            recipient,
            first_hops,
            tlvs,
            amount_msats,
            secp_ctx,
        )
    }
}
