"""Codes of single pictures and their metric."""

import torch

from personax.crl.picture_codes import BETA, PictureCodes


def test_the_metric_is_that_of_the_decoder_in_units_of_what_the_codes_resolve() -> None:
    torch.manual_seed(0)
    codes = PictureCodes((1, 8, 8), hidden=8, sd=0.2).double()
    u = torch.randn(3, 24).double()
    for row, metric in zip(u, codes.metric(u), strict=True):
        slope = torch.autograd.functional.jacobian(lambda code: codes.decoder(code[None]).flatten(), row)
        expected = slope.T @ slope / (BETA * 0.2**2) + torch.eye(24).double()
        torch.testing.assert_close(metric, expected)


def test_pixels_without_error_cost_nothing_but_the_kl_term() -> None:
    torch.manual_seed(0)
    codes = PictureCodes((1, 8, 8), hidden=8, sd=0.1)
    x = codes.decoder(codes.posterior(torch.rand(4, 1, 8, 8)).mean * 0).detach()
    noise = torch.zeros(4, 24)
    terms = codes.bound(x, noise)
    mean = codes.posterior(x).mean
    error = (codes.decoder(mean) - x).square().flatten(1).sum(1).mean() / 0.02
    torch.testing.assert_close(terms["reconstruction"], error)
    assert terms["kl"] > 0
